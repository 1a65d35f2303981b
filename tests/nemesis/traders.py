"""Clients that trade through any node, ask under one id until they are told, and forget nothing.

What is wrong in what they were told is wrong at once: another answer to the same id, one number for
two trades, a read that knows less than an answer before it.
"""

import asyncio
import collections
import time

from answers import Answers
from service import Client, uuid7

INSTRUMENTS = ("ETH", "BTC-PERP", "ETH-PERP")
PATIENCE = 4          # seconds for an answer; then another node is asked
REPEATS = 0.03        # how often an old id is asked again
READS = 0.1           # how often an account is read
REPEATABLE = 1_000    # an account remembers more answers than that
PACE = 0.05           # seconds between two orders of a client


class Ledger(Answers):
    """All that was ever told, and how often nobody decided or somebody only read."""

    def __init__(self):
        super().__init__()
        self.turned_away = collections.Counter()  # retryable, by reason
        self.reads = 0


class Trader:
    """One client of one account, with one order on its way."""

    def __init__(self, cluster, account, ledger, rng):
        self.cluster, self.account, self.ledger, self.rng = cluster, account, ledger, rng
        self.sequence = 0     # the account's latest version that we were told of
        self.count = 0        # commands that were decided
        self.asked = []       # parameters of those, the latest of them
        self.client = None
        self.is_over = False  # no new order
        self.is_aborted = False

    def order(self):
        side = self.rng.choice(("buy", "sell"))
        return {"account": self.account, "instrument": self.rng.choice(INSTRUMENTS), "side": side,
                "quantity": "0.01", "client_id": uuid7(),
                "limit_price": "1000000" if side == "buy" else "0.000000001"}

    async def connect(self):
        """To any node that lets us in."""
        self.client = None
        while self.client is None and not self.is_aborted:
            node = self.rng.choice(self.cluster.nodes)
            if node.is_up:
                try:
                    self.client = await asyncio.wait_for(
                        Client.open(node.service.port, self.account, node.machine.address),
                        PATIENCE)
                    return
                except Exception:  # Whatever a node that is being harmed does to its clients.
                    pass
            await asyncio.sleep(0.05)

    async def ask(self, method, **params):
        """The answer, from whichever node gives one; None once we are to stop."""
        while not self.is_aborted:
            if self.client is None:
                await self.connect()
                continue
            try:
                answer = await asyncio.wait_for(self.client.call(method, **params), PATIENCE)
            except Exception:  # Cut off, or not answered in time: the same again, elsewhere.
                await self.hang_up()
                continue
            self.client.sent.clear()
            self.client.received.clear()
            error = answer.get("error")
            if error is None or not error["data"]["retryable"]:
                return answer
            self.ledger.turned_away[error["data"]["reason"]] += 1
            await asyncio.sleep(0.05)
            if self.rng.random() < 0.05:  # A node that is cut off would say so for ever.
                await self.hang_up()
        return None

    async def hang_up(self):
        if self.client is not None:
            self.client.socket.transport.abort()
        self.client = None

    async def submit(self, params):
        answer = await self.ask("private/submit_trade", **params)
        if answer is None:
            return
        self.ledger.hear(params["client_id"], self.account, answer)
        if "result" in answer:
            self.sequence = max(self.sequence, answer["result"]["sequence"])

    async def read(self):
        known = self.sequence
        answer = await self.ask("private/get_account", account=self.account)
        if answer is None or "result" not in answer:
            return
        seen = answer["result"]["sequence"]
        self.ledger.reads += 1
        if seen < known:
            self.ledger.changed.append(f"{self.account}: a read at {seen} after {known} was told")
        self.sequence = max(self.sequence, seen)

    async def run(self):
        while not self.is_over:
            params = self.order()
            await self.submit(params)
            if self.is_aborted:
                break
            self.count += 1
            self.asked = [*self.asked[1 - REPEATABLE:], params]
            if self.rng.random() < REPEATS:
                await self.submit(self.rng.choice(self.asked))
            if self.rng.random() < READS:
                await self.read()
            await asyncio.sleep(PACE)
        await self.hang_up()


class Crowd:
    """All traders of a round."""

    def __init__(self, cluster, accounts, rng_of):
        self.ledger = Ledger()
        self.traders = [Trader(cluster, account, self.ledger, rng_of(account))
                        for account in accounts]
        self.tasks = []

    def start(self):
        self.tasks = [asyncio.create_task(trader.run()) for trader in self.traders]

    async def wait_for_each(self, count, seconds):
        """Until every account has had so many more answers; names those that have not."""
        goals = [trader.count + count for trader in self.traders]
        deadline = time.monotonic() + seconds
        while True:
            for task in self.tasks:
                if task.done():
                    task.result()
            waiting = [trader.account for trader, goal in zip(self.traders, goals)
                       if trader.count < goal]
            if not waiting:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"not served within {seconds} s: {', '.join(waiting)}; "
                                     f"turned away {dict(self.ledger.turned_away)}")
            await asyncio.sleep(PACE)

    async def stop(self, do_abort=False):
        for trader in self.traders:
            trader.is_over = True
            trader.is_aborted = do_abort
        tasks, self.tasks = self.tasks, []
        await asyncio.gather(*tasks)
