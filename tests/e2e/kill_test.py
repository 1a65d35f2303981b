#!/usr/bin/env python3
"""Goal: whatever moment the service is killed at, what a client was told stands, once.

Each cycle starts the demo on the same directory and kills it with SIGKILL at a moment of its life:
while it starts, is founded, is paid in, recovers, trades, settles or is drained. From the moment
its port is open clients of both brokers trade, withdraw and transfer beside the demo's own. After
each kill what is stored is audited, every answer ever received is compared with the journal, and
no command of anybody's may be there twice. Commands without an answer are sent again in the next
cycle under the same id, as the contract asks, and some that have one must get the same again.
CROSSCLEAR_CYCLES sets how many, CROSSCLEAR_SEED the seed of the moments and of the commands.
"""

import asyncio
import collections
import concurrent.futures
import dataclasses
import os
import random
import signal
import sys
import tempfile
import time

import websockets

sys.path.insert(0, os.path.dirname(__file__))
from answers import (Answers, check_comparison_can_fail, compare, decisions_of,  # noqa: E402
                     dump_of, gaps_in)
from service import Client, Demo, run, uuid7  # noqa: E402

CYCLES = int(os.environ.get("CROSSCLEAR_CYCLES", "24"))
SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
DEMO = ("--accounts", "20", "--rate", "300")
PARTNERS = {"0-1": "0-2", "0-2": "0-1", "1-3": "1-6", "1-6": "1-3"}
IN_KIND = {"0": ("sBTC", "sETH", "ETH", "DAI"), "1": ("sBTC", "ETH")}
CONTRACTS = {"0": ("BTC-PERP", "ETH-PERP"), "1": ("BTC-PERP",)}
QUANTITIES = {"sBTC": "0.005", "sETH": "0.1", "ETH": "0.1", "DAI": "100", "BTC-PERP": "0.005",
              "ETH-PERP": "0.1"}
# What a client does, ten commands at a time in any order: whoever sends ten has done all of it.
DECK = ("in_kind",) * 4 + ("contract",) * 3 + ("withdraw", "transfer", "hopeless")
CONNECTIONS = 2      # for each account
REPEATS = 3          # old commands that each connection asks again after every start
REPEATABLE = 1_000   # an account remembers more answers than that
PACE = 0.01          # seconds between two commands of a connection
EARLY_MIN = 6        # kills before the demo trades
GONE = (OSError, websockets.WebSocketException)

OPEN, PAYING, TRADING = "Clients: ", "clients pay in", "Trading."
SETTLING = "Trading has ended"


class Life(Demo):
    """A demo that knows whether its end is our doing."""

    is_ending = False

    def interrupt(self):
        self.is_ending = True
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        self.is_ending = True
        super().kill()

    def check_is_ours(self):
        """Nothing ends it but us; not even then may it crash."""
        status = self.process.poll()
        assert status is None or (self.is_ending and status in (0, 1)), (
            f"it ended by itself, {status}:\n" + "\n".join(self.lines[-20:]))


@dataclasses.dataclass
class Phase:
    """A part of the process' life. A kill falls at its end at the latest."""

    name: str
    begin: tuple = ()   # lines to wait for; without any it begins with the process
    end: str | None = None  # a line; without one it ends with the process
    seconds: float = 0  # about how long it takes
    interrupts: int = 0  # at how many of the lines, after the first, the demo is told to end


PHASES = {phase.name: phase for phase in (
    Phase("starting", (), OPEN, 0.3),
    Phase("founding", (OPEN,), PAYING, 0.8),
    Phase("paying in", (OPEN, (PAYING, TRADING)), TRADING, 6),
    Phase("recovering", (OPEN,), TRADING, 0.15),
    Phase("trading", (OPEN, TRADING), None, 1.5),
    Phase("settling", (OPEN, TRADING, SETTLING), None, 1.5, interrupts=1),
    Phase("draining", (OPEN, TRADING, SETTLING), None, 0.6, interrupts=2))}


def plan(rng):
    """Which phase each cycle is killed in. The founding happens once, so that it comes first."""
    first = ["starting", "starting", "founding", "paying in"]
    share = max(1, (CYCLES - len(first)) // 10)
    rest = (["starting"] * share + ["recovering"] * 2 * share + ["settling"] * 2 * share +
            ["draining"] * share)
    rest += ["trading"] * (CYCLES - len(first) - len(rest))
    rng.shuffle(rest)
    return [PHASES[name] for name in first + rest][:CYCLES]


@dataclasses.dataclass
class Command:
    kind: str
    method: str
    params: dict

    @property
    def id(self):
        return self.params["client_id"]


class Trader:
    """One connection, one command on its way."""

    def __init__(self, account, answers, rng):
        self.account, self.answers, self.rng = account, answers, rng
        self.in_doubt = None  # a command that was sent and has no answer
        self.asked = collections.deque(maxlen=REPEATABLE // CONNECTIONS)
        self.cards = []
        self.counts = collections.Counter()
        self.repeats = 0

    def order(self, instrument, is_hopeless=False):
        side = self.rng.choice(("buy", "sell"))
        highest, lowest = "1000000", "0.000000001"
        return {"instrument": instrument, "side": side, "quantity": QUANTITIES[instrument],
                "limit_price": highest if (side == "buy") != is_hopeless else lowest}

    def command(self):
        if not self.cards:
            self.cards = self.rng.sample(DECK, len(DECK))
        kind, broker = self.cards.pop(), self.account[0]
        method = "private/submit_trade"
        if kind == "withdraw":
            method, params = "private/withdraw", {
                "asset": "USDC", "amount": "3", "shard": "aave-uniswap",
                "destination": "0x" + "0" * 36 + "0a11"}
        elif kind == "transfer":
            method, params = "private/transfer", {
                "asset": "USDC", "amount": "2", "to_account": PARTNERS[self.account]}
        elif kind == "hopeless":
            params = self.order("BTC-PERP", is_hopeless=True)
        else:
            offered = (IN_KIND if kind == "in_kind" else CONTRACTS)[broker]
            params = self.order(self.rng.choice(offered))
        return Command(kind, method, dict(params, account=self.account, client_id=uuid7()))

    async def ask(self, client, command):
        """Whether there is an answer. Without one nothing was decided, or nobody knows."""
        answer = await client.call(command.method, **command.params)
        client.sent.clear()
        client.received.clear()
        if self.answers.hear(command.id, self.account, answer):
            return True
        await asyncio.sleep(answer["error"]["data"].get("retry_after_ms", 20) / 1000)
        return False

    async def go_on(self, client, repeats):
        """First what nobody answered, then some of what somebody did."""
        while self.in_doubt is not None:
            await self.settle_doubt(client)
        for command in self.rng.sample(self.asked, min(repeats, len(self.asked))):
            while not await self.ask(client, command):
                pass
            self.repeats += 1

    async def settle_doubt(self, client):
        if await self.ask(client, self.in_doubt):
            self.counts[self.in_doubt.kind] += 1
            self.asked.append(self.in_doubt)
            self.in_doubt = None

    async def work(self, port, is_last):
        client = await Client.open(port, self.account)
        await self.go_on(client, REPEATS * 10 if is_last else REPEATS)
        while not is_last:
            self.in_doubt = self.in_doubt or self.command()
            await self.settle_doubt(client)
            await asyncio.sleep(PACE)
        await client.socket.close()


async def trade(traders, demo, is_last=False):
    """All of them until the service is gone, which it must not be for any reason but ours."""
    port = demo.port

    async def work(trader):
        try:
            await trader.work(port, is_last)
        except GONE as gone:
            if not demo.is_ending:
                raise AssertionError(f"the connection of {trader.account} went: {gone!r}") from gone
    await asyncio.gather(*(work(trader) for trader in traders))


def wait_for_phase(demo, phase, start_crowd):
    """Waits until it begins, and learns on the way how long those before it take."""
    last = time.monotonic()
    for index, line in enumerate(phase.begin):
        demo.wait_for_line(line, 120)
        now = time.monotonic()
        if line == OPEN:
            PHASES["starting"].seconds = now - last
            start_crowd()
        elif line == TRADING:
            PHASES["recovering"].seconds = now - last
        if 0 < index <= phase.interrupts:
            demo.interrupt()
        last = now


def live_and_die(data, phase, share, traders):
    """One life of the demo, which ends when so much of a phase is over. Returns its lines."""
    demo = Life(data, *DEMO)
    crowd = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        try:
            wait_for_phase(demo, phase, lambda: crowd.append(
                pool.submit(asyncio.run, trade(traders, demo))))
            if phase.end is None:
                demo.wait_for_end(share * phase.seconds)
            else:
                demo.see_line(phase.end, share * phase.seconds)
            demo.check_is_ours()
        finally:
            demo.kill()
            demo.wait_for_end(10)
            for working in crowd:
                working.result(60)
    return demo.lines


class Checks:
    """What must hold after each kill."""

    def __init__(self, data):
        self.data = data
        self.answers = Answers()
        self.lines = []         # of the journal, as it was last seen
        self.was_open = False   # whether any life so far has let a client in
        self.others = 0         # commands of the demo's own
        self.unheard = set()    # commands that took effect before anybody was told

    def audit(self):
        """Before a life has got so far there is no journal, which is no loss, and said so."""
        status, out = run("audit", "--data", self.data)
        if not self.was_open and status != 0:
            assert status == 2 and "there is no journal in" in out, (status, out)
            return "no journal yet"
        assert status == 0 and "audit ok" in out, out
        return out.splitlines()[0]

    def check(self, in_doubt=()):
        """Everything there is; of those in doubt some may have taken effect."""
        said = self.audit()
        self.lines, trouble = dump_of("--data", self.data)
        assert trouble is None or not self.was_open, trouble
        answers, found = self.answers, decisions_of(self.lines)
        lost, changed = compare(answers, found)
        wrong = lost + changed + answers.changed + answers.forks + gaps_in(found)
        assert not wrong, "\n".join([f"{len(wrong)} are wrong:", *wrong[:20]])
        self.unheard |= found.keys() & set(in_doubt)
        self.others = len(found.keys() - answers.told.keys() - answers.refused.keys())
        return said


def end_in_order(data, checks, traders):
    """The last life: whoever is in doubt is answered, and everything is settled."""
    demo = Life(data, *DEMO, "--json")
    try:
        demo.wait_until_trading()
        asyncio.run(trade(traders, demo, is_last=True))
        status, line = demo.finish()
    finally:
        demo.kill()
    assert status == 0, (status, line, "\n".join(demo.lines[-20:]))
    print(line)
    print(checks.check())
    check_comparison_can_fail(checks.answers, checks.lines)


def main():
    print(f"seed {SEED}; replay: CROSSCLEAR_SEED={SEED} {sys.argv[0]}")
    rng = random.Random(SEED)
    early = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="crossclear-kill-") as data:
        checks = Checks(data)
        traders = [Trader(account, checks.answers, random.Random(rng.random()))
                   for account in PARTNERS for _ in range(CONNECTIONS)]
        phases = plan(rng)
        assert checks.check() == "no journal yet"
        cycle = 0
        while phases:
            phase, share, cycle = phases.pop(0), rng.random(), cycle + 1
            lines = live_and_die(data, phase, share, traders)
            is_early = not any(TRADING in line for line in lines)
            early[is_early] += 1
            checks.was_open = checks.was_open or any(OPEN in line for line in lines)
            in_doubt = [trader.in_doubt.id for trader in traders if trader.in_doubt]
            said = checks.check(in_doubt)
            print(f"cycle {cycle}: killed {'early, ' if is_early else ''}{share:.0%} into "
                  f"{phase.name} of {phase.seconds:.2f} s; {len(checks.answers.told)} granted, "
                  f"{len(checks.answers.refused)} refused, {len(in_doubt)} in doubt; {said}",
                  flush=True)
            is_short = early[True] < EARLY_MIN <= CYCLES
            if not phases and is_short and cycle < CYCLES + EARLY_MIN:
                phases.append(PHASES["starting"])  # A slow watcher let others get too far.
        assert not is_short, f"only {early[True]} kills came before the demo traded"
        end_in_order(data, checks, traders)
    tell(checks, traders, early)


def tell(checks, traders, early):
    counts = collections.Counter()
    for trader in traders:
        assert trader.in_doubt is None, trader.in_doubt
        counts.update({(trader.account[0], kind): count for kind, count in trader.counts.items()})
    for broker in ("0", "1"):
        for kind in set(DECK):
            assert counts[broker, kind], f"clients of broker {broker} never did: {kind}"
    print(f"{early.total()} kills, {early[True]} of them before it traded; "
          f"{len(checks.answers.told)} granted and {len(checks.answers.refused)} refused, "
          f"{sum(trader.repeats for trader in traders)} asked again; {checks.others} commands of "
          f"others; {len(checks.unheard)} in doubt had taken effect; none lost, none changed, none "
          f"twice")


if __name__ == "__main__":
    main()
