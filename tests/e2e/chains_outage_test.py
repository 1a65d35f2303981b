#!/usr/bin/env python3
"""Goal: a chain that is away holds up neither clearing nor the other chains, and is caught up with.

The demo trades on three anvils at a pace. The endpoint of one of them is cut; the chain itself goes
on. Meanwhile trades are cleared as before, the other chains are followed and sent orders, and
nothing comes to be final on the one that is away. When the endpoint is back all is settled, books
and chains agree and the audit passes. CROSSCLEAR_OUTAGE_S is how long it is away: an hour is the
documented run.
"""

import json
import os
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from chains import SKIPPED, Cutter, Site, behind, figures  # noqa: E402
from service import Demo, wait_until  # noqa: E402

OUTAGE_S = int(os.environ.get("CROSSCLEAR_OUTAGE_S", "40"))
BEFORE_S = 20
AFTER_S = 20
RATE = 20
AWAY = "aave-uniswap"       # Where clients pay in, and most is settled.
# Of what was cleared a second before: little is where the outage holds it up. How much exactly is
# for a machine that does nothing else.
ENOUGH = 0.5
CATCH_UP_S = 300


def sum_of(values, name, *labels):
    return sum(value for key, value in values.items()
               if key.split("{")[0] == name and all(label in key for label in labels))


class Span:
    """What happened between its begin and its end."""

    def __init__(self, port):
        self.port = port
        self.begun = time.monotonic()
        self.first = figures(port)

    def end(self):
        self.last = figures(self.port)
        self.seconds = time.monotonic() - self.begun
        self.counts = {key: value - self.first.get(key, 0) for key, value in self.last.items()}
        return self

    def per_second(self, name, *labels):
        return sum_of(self.counts, name, *labels) / self.seconds


def told_of(values):
    """A line for whoever watches for an hour."""
    cleared = sum_of(values, "trades_total", "cleared")
    return (f"cleared {cleared:.0f}, refused {sum_of(values, 'trades_total') - cleared:.0f}, "
            f"sent {sum_of(values, 'tx_broadcast_total'):.0f}, resident "
            f"{values['process_resident_memory_bytes'] / 2 ** 20:.0f} MiB")


def height(values, tag, shard=AWAY):
    """The lowest block of a kind that the brokers have seen on a chain."""
    return min(value for key, value in values.items()
               if key.startswith("shard_block_height{") and f'shard="{shard}"' in key
               and f'tag="{tag}"' in key)


def check(site, folder):
    chain = site.chain(AWAY)
    cutter = Cutter(chain)
    trades = RATE * (BEFORE_S + OUTAGE_S + AFTER_S)
    demo = Demo(os.path.join(folder, "data"), "--chains",
                behind(site, folder, {AWAY: cutter}), "--accounts", "12",
                "--rate", str(RATE), "--trades", str(trades))
    try:
        demo.wait_until_trading()
        port = demo.ops_port
        before = Span(port)
        threading.Event().wait(BEFORE_S)
        before.end()
        cutter.cut()
        away = Span(port)
        left = time.monotonic() + OUTAGE_S
        while time.monotonic() < left:
            threading.Event().wait(min(60, max(0, left - time.monotonic())))
            print(f"  {time.monotonic() - away.begun:.0f} s away: {told_of(figures(port))}",
                  flush=True)
        away.end()
        seen = {tag: height(away.first, tag) for tag in ("head", "final")}
        for tag, block in seen.items():
            assert height(away.last, tag) <= block + 1, f"the chain was not away: {tag}"
        cutter.mend()
        mended = time.monotonic()
        wait_until(lambda: height(figures(port), "head") > seen["head"] + OUTAGE_S / 4,
                   "the chain is read again", CATCH_UP_S)
        caught_up = time.monotonic() - mended
        # It trades on for a while, at less than the pace where machines are slow.
        assert demo.wait_for_end(CATCH_UP_S + OUTAGE_S), demo.lines[-20:]
        status, out = demo.wait()
        assert status == 0, (status, demo.lines[-20:])
        line = json.loads(out)
    except BaseException:
        demo.drop()
        raise
    others = [one["shard"] for one in site.chains if one["shard"] != AWAY]
    for shard in others:
        label = f'shard="{shard}"'
        went = height(away.last, "final", shard) - height(away.first, "final", shard)
        assert went > OUTAGE_S / 4, (shard, went)
        print(f"{shard}: {before.per_second('tx_broadcast_total', label):.2f} orders sent a "
              f"second before, {away.per_second('tx_broadcast_total', label):.2f} meanwhile")
    rates = [span.per_second("trades_total", "cleared") for span in (before, away)]
    print(f"cleared a second: {rates[0]:.1f} before, {rates[1]:.1f} in {away.seconds:.0f} s "
          f"without {AWAY}; read again after {caught_up:.1f} s; {line['settlements']}")
    assert rates[1] > rates[0] * ENOUGH, rates
    assert sum(sum_of(away.counts, "tx_broadcast_total", f'shard="{one}"') for one in others) > 0
    assert line["audit"] == "ok" and line["breaks"] == 0, line
    assert line["trades"] == trades, line
    assert line["settlements"]["settled"] == line["cleared"], line


def main():
    if "CROSSCLEAR_NPM" not in os.environ:
        print("skipped: CROSSCLEAR_NPM names no anvil")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        site = Site(tempfile.mkdtemp(dir=folder))
        try:
            check(site, folder)
        finally:
            site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
