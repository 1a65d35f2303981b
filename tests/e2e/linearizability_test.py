#!/usr/bin/env python3
"""Goal: an account behaves as if its commands and reads happened one at a time, kills or not.

Several connections trade on two accounts and read them, while the service is killed with SIGKILL
and started again; a command without an answer is sent again under its id, or left in doubt. What
every one of them was told, and when, is held against the model in linearizability.py.
CROSSCLEAR_CYCLES sets how many kills, CROSSCLEAR_SEED the seed.
"""

import asyncio
import copy
import os
import random
import subprocess
import sys
import tempfile
import time

import websockets

sys.path.insert(0, os.path.dirname(__file__))
from linearizability import Operation, check_the_checker, is_linearizable, step_back  # noqa: E402
from service import BINARY, Client, Redis, Service, uuid7, write_config  # noqa: E402

CYCLES = int(os.environ.get("CROSSCLEAR_CYCLES", "3"))
SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
ACCOUNTS = ("0-1", "1-3")
CONNECTIONS = 3  # for each account
CONTRACT = "BTC-PERP"
GONE = (OSError, websockets.WebSocketException)


def units(quantity):
    return round(float(quantity) * 100)


async def read(client, account, kind):
    """What the account shows; None where it was refused."""
    method = "private/get_account" if kind == "count" else "private/get_positions"
    answer = await client.call(method, account=account)
    if "error" in answer:
        assert answer["error"]["data"]["retryable"], answer
        return None
    result = answer["result"]
    if kind == "count":
        return result["trades"], result["sequence"]
    held = [line for line in result["positions"] if line["asset"] == CONTRACT]
    return units(held[0]["quantity"]) if held else 0, result["sequence"]


class Actor:
    """One connection at a time, one operation at a time."""

    def __init__(self, account, seed, history):
        self.account = account
        self.rng = random.Random(seed)
        self.history = history
        self.in_doubt = None  # an operation and its parameters

    async def trade(self, client):
        if self.in_doubt is None:
            size = self.rng.choice((-4, -3, -2, -1, 1, 2, 3, 4))
            params = {"account": self.account, "instrument": CONTRACT, "client_id": uuid7(),
                      "side": "buy" if size > 0 else "sell", "quantity": f"{abs(size) / 100}",
                      "limit_price": "1000000" if size > 0 else "0.000000001"}
            operation = Operation("trade", time.monotonic(), size=size)
            self.history.append(operation)
            self.in_doubt = operation, params
        operation, params = self.in_doubt
        answer = await client.call("private/submit_trade", **params)
        if "error" in answer:
            if not answer["error"]["data"]["retryable"]:
                self.history.remove(operation)  # Decided, and without effect.
                self.in_doubt = None
            return
        operation.returned = time.monotonic()
        operation.value = int(answer["result"]["trade_id"].rsplit("t", 1)[1])
        operation.sequence = answer["result"]["sequence"]
        self.in_doubt = None

    async def look(self, client):
        operation = Operation(self.rng.choice(("count", "position")), time.monotonic())
        seen = await read(client, self.account, operation.kind)
        if seen is not None:
            operation.returned = time.monotonic()
            operation.value, operation.sequence = seen
            self.history.append(operation)

    async def work(self, port):
        """Until the service is gone."""
        try:
            client = await Client.open(port, self.account)
            if self.in_doubt is not None and self.rng.random() < 0.5:
                self.in_doubt = None  # Nobody will ever know.
            while True:
                does_trade = self.in_doubt is not None or self.rng.random() < 0.4
                await (self.trade(client) if does_trade else self.look(client))
        except GONE:
            return


async def start_of(port):
    """Where each account stands before anybody works on it."""
    starts = {}
    for account in ACCOUNTS:
        client = await Client.open(port, account)
        seen = [await read(client, account, kind) for kind in ("count", "position")]
        starts[account] = tuple(value for value, _ in seen)
    return starts


async def work_until_killed(actors, service, seconds):
    asyncio.get_running_loop().call_later(seconds, service.process.kill)
    await asyncio.gather(*(actor.work(service.port) for actor in actors))
    service.kill()


def check(history, start):
    assert is_linearizable(history, start), "no order of these operations explains the answers"
    assert step_back(history) is None, step_back(history)


def check_can_fail(history, start):
    """One answer altered must be noticed: otherwise the comparison proves nothing."""
    for kind in ("trade", "count", "position"):
        altered = copy.deepcopy(history)
        told = [one for one in altered if one.kind == kind and one.value is not None]
        told[len(told) // 2].value += 1000
        assert not is_linearizable(altered, start), f"an altered {kind} passed"


def main():
    check_the_checker()
    print(f"seed {SEED}; replay: CROSSCLEAR_SEED={SEED} {sys.argv[0]}")
    rng = random.Random(SEED)
    histories = {account: [] for account in ACCOUNTS}
    actors = [Actor(account, rng.random(), histories[account])
              for account in ACCOUNTS for _ in range(CONNECTIONS)]
    with tempfile.TemporaryDirectory(prefix="crossclear-linear-") as data:
        subprocess.run([BINARY, "demo", "--trades", "20", "--accounts", "10", "--data", data,
                        "--quiet", "--port", "0", "--ops-port", "0"], check=True, timeout=120)
        redis = Redis(os.path.join(data, "redis")).start()
        config = write_config(os.path.join(data, "service.yaml"), data_dir=data,
                              journal={"mode": "single", "endpoint": {"unix": redis.socket}})
        service = None
        try:
            starts = None
            for cycle in range(CYCLES + 1):
                service = Service(config).wait_until_up()
                starts = starts or asyncio.run(start_of(service.port))
                asyncio.run(work_until_killed(actors, service, rng.uniform(0.5, 2)))
        finally:
            if service is not None:
                service.kill()
            redis.kill()
    for account, history in histories.items():
        check(history, starts[account])
        check_can_fail(history, starts[account])
        trades = [one for one in history if one.kind == "trade"]
        left = sum(one.value is None for one in trades)
        print(f"{account}: {len(trades)} trades, {left} of them in doubt, "
              f"{len(history) - len(trades)} reads: linearizable")
        assert len(trades) > 10 and len(history) > len(trades) + 10, "too little to prove anything"


if __name__ == "__main__":
    main()
