#!/usr/bin/env python3
"""Goal: on real chains everything settles once, whatever blocks are replaced, endpoints cut and
services killed meanwhile.

Three anvils with everything deployed, as `./dev up --chain anvil` has them. The demo trades on
them; blocks are replaced under it, the endpoint of one chain is away for some seconds, and it is
killed with SIGKILL at moments of CROSSCLEAR_SEED and started again on the same directory and the
same chains. In the end all is settled, books and chains agree and the audit passes. The control: a
key that lost a coin is found out. CROSSCLEAR_REORGS sets how many blocks are replaced,
CROSSCLEAR_CYCLES how often it is killed.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from chains import ETHER, SKIPPED, Cutter, Site, ask, behind  # noqa: E402
from service import BINARY, run  # noqa: E402

CYCLES = int(os.environ.get("CROSSCLEAR_CYCLES", "40"))
REORGS = int(os.environ.get("CROSSCLEAR_REORGS", "200"))
SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
CUT_S = 6
PACE_S = 0.25        # between two blocks that are replaced
RATE = 40


def demo(sites, data, *words):
    return subprocess.Popen(
        [BINARY, "demo", "--chains", sites, "--data", data, "--port", "0", "--ops-port", "0",
         "--accounts", "12", "--rate", str(RATE), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until_line(process, text):
    """Reads what it says until a line has this text."""
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"it ended before it said: {text}")


def drained(process):
    """Reads the rest, so that it is not held up."""
    said = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
    reader.start()
    return said


def check_ended(process, said, data, trades):
    out = process.stdout.read()
    status = process.wait(240)
    if status != 0:
        warnings = [line for line in (pathlib.Path(data) / "demo.log").read_text().splitlines()
                    if '"info"' not in line]
        raise AssertionError((status, "".join(said)[-3000:], "\n".join(warnings)[-6000:]))
    line = json.loads(out.strip().splitlines()[-1])
    assert line["audit"] == "ok" and line["breaks"] == 0, line
    assert line["trades"] == trades, line
    return line


def events_of(data):
    status, out = run("journal", "dump", "--data", data)
    assert status == 0, out[-2000:]
    return [json.loads(one)["event"] for one in out.strip().splitlines()]


def settles_through_reorgs_and_a_cut(site, folder, rng):
    data = os.path.join(folder, "whole")
    cutter = Cutter(int(site.chains[0]["url"].rsplit(":", 1)[1]))
    # So long that it trades while blocks are replaced.
    trades = int(REORGS * PACE_S * RATE)
    process = demo(behind(site, folder, site.chains[0]["shard"], cutter), data,
                   "--trades", str(trades))
    until_line(process, "answered")
    said = drained(process)
    reorgs = 0
    cut_at, is_mended = time.monotonic() + 5, False
    while reorgs < REORGS and process.poll() is None:
        site.replace_block(rng.choice(site.chains)["shard"])
        reorgs += 1
        now = time.monotonic()
        if not is_mended and now > cut_at:
            cutter.cut()
        if now > cut_at + CUT_S:
            cutter.mend()
            is_mended = True
        time.sleep(PACE_S)
    line = check_ended(process, said, data, trades)
    assert is_mended and reorgs == REORGS, (is_mended, reorgs)
    assert line["settlements"]["settled"] == line["cleared"], line
    events = events_of(data)
    undone = events.count("signing.InclusionUndone")
    taken, finished = events.count("signing.IntentTaken"), events.count("signing.NonceFinished")
    print(f"{reorgs} blocks replaced, {undone} of them with a transaction of ours; "
          f"{taken} orders signed, {finished} final")
    assert undone > 0 and taken == finished > 0, (undone, taken, finished)


def survives_kills(site, folder, rng):
    data = os.path.join(folder, "killed")
    for cycle in range(CYCLES):
        process = demo(site.file, data, "--trades", "0")
        begun = time.monotonic()
        # The clients pay in once; later it is killed at any moment, its start among them.
        if cycle == 0:
            until_line(process, "answered")
            begun = time.monotonic()
        drained(process)
        time.sleep(max(0, begun + rng.uniform(0.3, 4) - time.monotonic()))
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()
    process = demo(site.file, data, "--trades", "60")
    said = drained(process)
    check_ended(process, said, data, 60)
    status, out = run("audit", "--data", data)
    assert status == 0, out
    events = events_of(data)
    taken, finished = events.count("signing.IntentTaken"), events.count("signing.NonceFinished")
    print(f"killed {CYCLES} times; {taken} orders signed, {finished} final")
    assert taken == finished > 0, (taken, finished)


def finds_a_coin_that_is_gone(site, folder, _):
    data = os.path.join(folder, "robbed")
    process = demo(site.file, data, "--trades", "0")
    until_line(process, "answered")
    drained(process)
    chain = site.chains[-1]
    key = chain["deployment"]["vaults"]["beta"]["operator"]
    held = int(ask(chain["url"], "eth_getBalance", key, "latest"), 16)
    ask(chain["url"], "anvil_setBalance", key, hex(held - ETHER))
    log = pathlib.Path(data) / "demo.log"
    until = time.monotonic() + 120
    while "Book and shard disagree." not in log.read_text():
        assert time.monotonic() < until and process.poll() is None, "it was not found out"
        time.sleep(0.2)
    process.kill()
    process.wait(30)
    process.stdout.close()


def main():
    if "CROSSCLEAR_NPM" not in os.environ:
        print("skipped: CROSSCLEAR_NPM names no anvil")
        return SKIPPED
    print(f"CROSSCLEAR_SEED={SEED}")
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        for test in (settles_through_reorgs_and_a_cut, survives_kills, finds_a_coin_that_is_gone):
            # Chains of its own: what brokers have there at first is what was deployed.
            site = Site(tempfile.mkdtemp(dir=folder))
            try:
                begun = time.monotonic()
                test(site, folder, rng)
                print(f"{test.__name__}: {time.monotonic() - begun:.0f} s")
            finally:
                site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
