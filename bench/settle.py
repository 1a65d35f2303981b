"""What settles on real chains, how fast, and what of an order's time is ours. `run --help` says
more."""

import os
import pathlib
import shutil
import subprocess

import cluster
from postgres_server import Failure

SOURCE = pathlib.Path(__file__).resolve().parent.parent
# In a first round both trades and orders go on for so long, for the memory of who serves them.
STEADY_SECONDS = 400
QUICK_STEADY_SECONDS = 20
# The spans that the program tells of orders, and which of their quantiles are kept.
SPANS = ("ours_included", "ours_final", "handed_to_left", "left_to_block", "block_to_told",
         "final_to_told", "handed_to_final")
QUANTILES = ("p50_us", "p99_us", "p999_us")


# Seconds between blocks, as chains have them, and how many orders a second they bear without more
# than 64 in flight in any lane.
BLOCK_TIMES = ("1", "2", "0.5")
CLOCKED_PER_SECOND = 40
# For a p99 of orders. What they took on chains that have many behind them would be anvil's: with
# each block it goes through all that a vault remembers.
PACED_SECONDS = 15


class Site:
    """Three anvils with everything deployed, which make a block at these times."""

    def __init__(self, directory, *times):
        if "CROSSCLEAR_NPM" not in os.environ or shutil.which("node") is None:
            raise Failure("the chains", "there is no node, or CROSSCLEAR_NPM does not say where "
                          "anvil is", "./dev bench sees to both")
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["node", str(SOURCE / "deploy/chain/site.mjs"), "--out", str(directory), "--cache",
             str(cluster.BUILD / "artifacts"),
             *(word for time in times for word in ("--block-time", time))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("ready "):
                self.file = line.split(" ", 1)[1].strip()
                return
        self.close()
        raise Failure("the chains", "".join(said[-5:]).strip() or "they did not start",
                      "by themselves: node deploy/chain/site.mjs --help")

    def close(self):
        """Ends the chains."""
        self.process.stdin.close()
        self.process.wait(30)


def flat(line):
    """What a phase of orders tells, as numbers by name; how long ours took stands first."""
    figures = {name: line[name] for name in ("per_second", "in_flight", "orders")}
    for quantile in QUANTILES:
        figures[quantile] = line["ours_included"][quantile]
    for span in SPANS:
        for quantile in QUANTILES:
            figures[f"{span}_{quantile}"] = line[span][quantile]
    return figures


def run(directory, times, *words):
    """The service on chains of its own; what it tells."""
    directory.mkdir(parents=True)
    site = Site(directory / "site", *times)
    try:
        found = cluster.run("settle_bench", "--site", site.file, "--data",
                            str(directory / "data"), *words)
    finally:
        site.close()
    if found["withdrawals_refused"]:
        raise Failure("settle_bench", str(found["withdrawals_refused"]),
                      "nothing should be refused there: look for the reason")
    return found


def measure(options, directory, is_first):
    """One round."""
    phases = ["trades", "orders"] + (["steady"] if is_first else [])
    steady = QUICK_STEADY_SECONDS if options.quick else STEADY_SECONDS
    found = run(directory / "now", ("now",), "--phases", ",".join(phases), "--seconds",
                str(options.seconds), "--steady-seconds", str(steady))
    seconds = str(max(options.seconds, PACED_SECONDS))
    paced = run(directory / "paced", ("now",), "--phases", "paced", "--seconds", seconds)
    clocked = run(directory / "clocked", BLOCK_TIMES, "--phases", "paced", "--seconds", seconds,
                  "--rate", str(CLOCKED_PER_SECOND))
    figures = {"settle.trades": found["trades"], "settle.orders": flat(found["orders"]),
               "settle.paced": flat(paced["paced"]),
               "settle.clocked": flat(clocked["paced"])}
    if is_first:
        figures["settle.steady"] = found["steady"]
    if not options.keep:
        shutil.rmtree(directory)
    return figures
