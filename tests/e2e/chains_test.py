#!/usr/bin/env python3
"""Goal: on real chains everything settles once, whatever blocks are replaced, transactions lost,
endpoints cut and services killed meanwhile.

Three anvils with everything deployed, as `./dev up --chain anvil` has them, and the demo on them:

- Blocks are replaced under it, at most as many at once as are not final, and the endpoint of one
  chain is away for some seconds.
- It is killed with SIGKILL as soon as an order is at one step of its way, and next time at the next
  step, and started again on the same directory and the same chains.
- Meanwhile three sends in ten are lost, half of them before the node has the transaction, the
  others with what the node says to it.
- The control: a key that lost a coin is found out.

In the end all is settled, books and chains agree, the audit passes, and the chains hold each order
once. CROSSCLEAR_REORGS is how often blocks are replaced, CROSSCLEAR_CYCLES how often it is killed,
CROSSCLEAR_SEED the seed.
"""

import collections
import itertools
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from answers import dump_of  # noqa: E402
from chains import (ETHER, SKIPPED, Cutter, Dropper, Site, ask, behind, figures,  # noqa: E402
                    nothing)
from service import Demo, run, wait_until  # noqa: E402

CYCLES = int(os.environ.get("CROSSCLEAR_CYCLES", "40"))
REORGS = int(os.environ.get("CROSSCLEAR_REORGS", "200"))
SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
CUT_S = 6
PACE_S = 0.25        # between two times that blocks are replaced
RATE = 40
ACCOUNTS = 48        # so many that their money lasts: who has none left orders nothing
PARTITIONS = 8       # of the demo's journal
STEP_S = 60          # until an order is at a step
# So many blocks later one is final, in the order of the site's chains; and how many blocks of each
# come in the time of one of the slowest: as often they are replaced.
FINALITY = (4, 2, 8)
BLOCKS = (2, 1, 4)
# When it is killed: the transaction is in the journal and no node has it; a node has it and nobody
# has heard; a block has it; that block was replaced; the block is final; and, since that takes
# seconds, more seldom: nobody waits for the node's answer any more.
STEPS = ("signed", "sent", "included", "undone", "final") * 2 + ("unheard",)
PLACES = {"signed": Dropper.BEFORE, "sent": Dropper.BEHIND}
CHANGES = {"unheard": (r"shard_requests_total{.*eth_sendRawTransaction.*timed_out", 1),
           "included": ("tx_nonce_gap{", -1), "undone": ("tx_nonce_gap{", -1),
           "final": ("tx_pending{", -1)}
# keccak256("Ended(bytes32,uint8,address,uint256,address,uint256,int256)")
ENDED = "0x12454279fe1412af00a2b45d36ffcea3f32d88fbc1107f07b75a15a4e81c0702"


def demo_on(sites, data, trades):
    return Demo(data, "--chains", sites, "--accounts", str(ACCOUNTS), "--rate", str(RATE),
                "--trades", str(trades), "--json")


def end_of(demo, trades):
    """Its last line, once all is settled."""
    assert demo.wait_for_end(240), demo.lines[-20:]
    line = line_of(demo, *demo.wait())
    assert line["trades"] == trades, line
    return line


def line_of(demo, status, out):
    """Its last line, where books and chains agree."""
    if status != 0:
        warnings = [line for line in (pathlib.Path(demo.data) / "demo.log").read_text().splitlines()
                    if '"info"' not in line]
        raise AssertionError((status, demo.lines[-20:], "\n".join(warnings)[-6000:]))
    line = json.loads(out)
    assert line["audit"] == "ok" and line["breaks"] == 0, line
    return line


def lengths_of(data):
    """How many records each partition of a journal has, while its redis-server is there."""
    asked = "".join(f"XLEN {{p{partition:02}}}:s\n" for partition in range(PARTITIONS))
    told = subprocess.run(["redis-cli", "-s", "redis.sock"], cwd=os.path.join(data, "redis"),
                          input=asked, capture_output=True, text=True, timeout=30, check=True)
    return [int(length) for length in told.stdout.split()]


class Journal:
    """All that a demo has written."""

    def __init__(self, data):
        lines, trouble = dump_of("--data", data)
        assert trouble is None, trouble
        self.entries = [json.loads(line) for line in lines]
        self.counts = collections.Counter(entry["event"] for entry in self.entries)

    def check_all_have_ended(self):
        """Orders, hedges, moves, instructions and withdrawals, and nothing was ever amiss."""
        for begun, *ended in (("signing.IntentTaken", "signing.NonceFinished"),
                              ("netting.HedgeOpened", "netting.HedgeClosed"),
                              ("netting.MoveOpened", "netting.MoveClosed"),
                              ("instruction.InstructionCreated", "instruction.InstructionEnded"),
                              ("account.WithdrawalHeld", "account.WithdrawalPaid",
                               "account.WithdrawalReturned")):
            count = sum(self.counts[event] for event in ended)
            assert self.counts[begun] == count, (begun, self.counts[begun], count)
        for event in ("reconcile.BreakOpened", "signing.LaneHalted", "signing.NonceForfeited"):
            assert self.counts[event] == 0, (event, self.counts[event])

    def under_way(self, lengths):
        """How many orders were where, when its partitions had these lengths."""
        counts = collections.Counter(
            entry["event"].removeprefix("signing.") for entry in self.entries
            if entry["seq"] <= lengths[entry["partition"]])
        unfinished = counts["IntentTaken"] - counts["NonceFinished"]
        to_sign = counts["TransactionPlanned"] - counts["TransactionSigned"]
        in_block = (counts["TransactionIncluded"] - counts["InclusionUndone"]
                    - counts["NonceFinished"])
        return +collections.Counter({"to be signed": to_sign, "in a block": in_block,
                                     "signed": unfinished - to_sign - in_block})


def receipts_of(chain, senders):
    """Of all transactions of these senders that the chain holds."""
    head = int(ask(chain["url"], "eth_blockNumber"), 16)
    return [receipt for number in range(head + 1)
            for receipt in ask(chain["url"], "eth_getBlockReceipts", hex(number))
            if receipt["from"] in senders]


def check_once(site, journal):
    """The chains hold a transaction for each order, and none of our keys beside those."""
    receipts, intents = [], []
    for chain in site.chains:
        vaults = chain["deployment"]["vaults"].values()
        found = receipts_of(chain, {vault["operator"].lower() for vault in vaults})
        ended = [log["topics"][1] for receipt in found for log in receipt["logs"]
                 if log["topics"][0] == ENDED]
        twice = [intent for intent, count in collections.Counter(ended).items() if count > 1]
        assert not twice, (chain["shard"], twice)
        receipts += found
        intents += ended
    # A vault reverts what it has done before.
    reverted = [receipt for receipt in receipts if receipt["status"] != "0x1"]
    assert not reverted, reverted
    orders = journal.counts["signing.IntentTaken"]
    assert len(receipts) == orders >= len(intents) > 0, (len(receipts), orders, len(intents))


def told_of(journal, droppers):
    sends = sum(wire.sends for wire in droppers.values())
    drops = sum((wire.drops for wire in droppers.values()), collections.Counter())
    assert set(drops) == {Dropper.BEFORE, Dropper.BEHIND}, drops
    counts = journal.counts
    return (f"{drops.total()} of {sends} sends dropped: {dict(drops)}\n"
            f"{counts['signing.IntentTaken']} orders, {counts['signing.InclusionUndone']} times "
            f"undone; {counts['instruction.InstructionEnded']} instructions")


def settles_through_reorgs_and_a_cut(site, folder, rng):
    first, *others = site.chains
    cutter = Cutter(first)
    droppers = {chain["shard"]: Dropper(chain, rng.random()) for chain in others}
    wires = {first["shard"]: cutter, **droppers}
    demo = demo_on(behind(site, folder, wires), os.path.join(folder, "whole"), 0)
    depths = collections.Counter()
    try:
        demo.wait_until_trading()
        cut_at, is_mended = time.monotonic() + 5, False
        while depths.total() < REORGS and demo.process.poll() is None:
            at = rng.choices(range(len(FINALITY)), BLOCKS)[0]
            depth = rng.choice((1, rng.randint(1, FINALITY[at])))
            site.replace_blocks(site.chains[at]["shard"], depth)
            depths[depth] += 1
            now = time.monotonic()
            if not is_mended and now > cut_at:
                cutter.cut()
            if now > cut_at + CUT_S:
                cutter.mend()
                is_mended = True
            time.sleep(PACE_S)
        status, out = demo.finish()
        line = line_of(demo, status, out)
    finally:
        demo.drop()
    assert is_mended and depths.total() == REORGS, (is_mended, depths)
    assert line["settlements"]["settled"] == line["cleared"], line
    journal = Journal(demo.data)
    journal.check_all_have_ended()
    check_once(site, journal)
    print(f"blocks replaced {REORGS} times, by how many at once: {dict(sorted(depths.items()))}\n"
          f"{told_of(journal, droppers)}")
    assert journal.counts["signing.InclusionUndone"] > 0


class Change:
    """Asks a demo until a figure of one of its lanes has gone up (1) or down (-1)."""

    def __init__(self, demo, figure, way):
        self.port, self.figure, self.way = demo.ops_port, re.compile(figure), way
        self.seen = None

    def __call__(self):
        """The lane's shard."""
        before, self.seen = self.seen, {
            key: value for key, value in figures(self.port).items() if self.figure.match(key)}
        return next((re.search('shard="([^"]+)"', key).group(1) for key in self.seen
                     if before is not None
                     and (self.seen[key] - before.get(key, 0)) * self.way > 0), None)


def kill_at(step, demo, site, wires):
    """Kills it as soon as an order is there."""
    if step in PLACES:
        for wire in wires.values():
            wire.at(PLACES[step], demo.process.kill)
        has_ended = demo.wait_for_end(STEP_S)
        for wire in wires.values():
            wire.at(None, nothing)
        assert has_ended, "no order was signed"
    else:
        shard = wait_until(Change(demo, *CHANGES[step]), f"an order that is {step}", STEP_S)
        if step == "undone":
            site.replace_blocks(shard)
    assert demo.process.poll() in (None, -signal.SIGKILL), demo.lines[-20:]
    demo.kill()


def survives_kills_and_drops(site, folder, rng):
    data = os.path.join(folder, "killed")
    wires = {chain["shard"]: Dropper(chain, rng.random()) for chain in site.chains}
    sites = behind(site, folder, wires)
    kills = []      # at which step, and how long the journal was
    for step in itertools.islice(itertools.cycle(STEPS), CYCLES):
        demo = demo_on(sites, data, 0)
        try:
            # The clients pay in during the first life. Some others end while they bring back what
            # the one before has left.
            if not kills or rng.random() < 0.5:
                demo.wait_until_trading()
            kill_at(step, demo, site, wires)
            kills.append((step, lengths_of(data)))
        except BaseException:
            print("\n".join(demo.lines[-20:]), file=sys.stderr)
            demo.drop()
            raise
    demo = demo_on(sites, data, 60)
    try:
        end_of(demo, 60)
    finally:
        demo.drop()
    status, out = run("audit", "--data", data)
    assert status == 0, out
    journal = Journal(data)
    journal.check_all_have_ended()
    check_once(site, journal)
    hits, places = collections.Counter(), collections.Counter()
    for step, lengths in kills:
        then = journal.under_way(lengths)
        hits[step] += bool(then)
        places += then
    print(f"killed {CYCLES} times, {hits.total()} of them with orders under way: {dict(hits)}; "
          f"those were {dict(places)}\n{told_of(journal, wires)}")
    assert hits.total() >= 0.75 * CYCLES, hits


def finds_a_coin_that_is_gone(site, folder, _):
    demo = demo_on(site.file, os.path.join(folder, "robbed"), 0)
    try:
        demo.wait_until_trading()
        chain = site.chains[-1]
        key = chain["deployment"]["vaults"]["beta"]["operator"]
        held = int(ask(chain["url"], "eth_getBalance", key, "latest"), 16)
        ask(chain["url"], "anvil_setBalance", key, hex(held - ETHER))
        log = pathlib.Path(demo.data) / "demo.log"
        wait_until(lambda: "Book and shard disagree." in log.read_text(), "it to be found out", 120)
    finally:
        demo.drop()


def main():
    if "CROSSCLEAR_NPM" not in os.environ:
        print("skipped: CROSSCLEAR_NPM names no anvil")
        return SKIPPED
    print(f"CROSSCLEAR_SEED={SEED}")
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        deep = [word for count in FINALITY for word in ("--finality", str(count))]
        for test, words in ((settles_through_reorgs_and_a_cut, deep),
                            (survives_kills_and_drops, ()), (finds_a_coin_that_is_gone, ())):
            # Chains of its own: what brokers have there at first is what was deployed.
            own = tempfile.mkdtemp(dir=folder)
            site = Site(own, *words)
            try:
                begun = time.monotonic()
                test(site, own, rng)
                print(f"{test.__name__}: {time.monotonic() - begun:.0f} s", flush=True)
            finally:
                site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
