#!/usr/bin/env python3
"""Goal: whatever moment the service is killed at, what a client was told stands, once.

Each cycle starts the demo on the same directory, lets sample clients and an independent client
trade, kills it with SIGKILL at a random moment, audits what is stored and compares the journal
with every answer that client ever received. Commands without an answer are sent again in the next
cycle under the same id, as the contract asks. CROSSCLEAR_CYCLES sets how many, CROSSCLEAR_SEED the
seed.
"""

import asyncio
import json
import os
import random
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from service import Client, Demo, run, uuid7  # noqa: E402

CYCLES = int(os.environ.get("CROSSCLEAR_CYCLES", "20"))
SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
ACCOUNT = "0-1"

told = {}     # command id -> trade number, or 0 for a refusal
unknown = {}  # command id -> parameters, sent and never answered


def order(rng):
    return {"account": ACCOUNT, "instrument": rng.choice(("BTC-PERP", "ETH-PERP")),
            "side": rng.choice(("buy", "sell")), "quantity": "0.01",
            "limit_price": None, "client_id": uuid7()}


async def send(client, params):
    side = params["side"]
    wire = dict(params, limit_price="1000000" if side == "buy" else "0.000000001")
    unknown[params["client_id"]] = params
    answer = await client.call("private/submit_trade", **wire)
    error = answer.get("error")
    if error is not None and error["data"].get("retryable"):
        return  # Nothing was decided, or nobody knows: the same id goes again.
    number = 0 if error else int(answer["result"]["trade_id"].rsplit("t", 1)[1])
    first = told.setdefault(params["client_id"], number)
    assert first == number, f"{params['client_id']}: told {first}, then {number}"
    unknown.pop(params["client_id"])


async def trade_until_killed(demo, rng, port):
    client = await Client.open(port, ACCOUNT)
    loop = asyncio.get_running_loop()
    loop.call_later(rng.uniform(0.2, 1.5), demo.kill)
    answered = 0
    try:
        for params in list(unknown.values()):
            await send(client, params)
        while True:
            await send(client, order(rng))
            answered += 1
    except Exception as gone:  # The connection ends with the process, whatever it was doing.
        if isinstance(gone, AssertionError):
            raise
    return answered


def journaled(data):
    """What the journal says of each command of the account: the numbers it gave."""
    status, out = run("journal", "dump", "--data", data)
    assert status == 0, out[-2000:]
    found = {}
    for line in out.splitlines():
        if f'"entity":"account/{ACCOUNT}"' in line and '"command"' in line:
            entry = json.loads(line)
            found.setdefault(entry["command"], []).append(entry["number"])
    return found


def check(data, cycle):
    status, out = run("audit", "--data", data)
    assert status == 0, f"cycle {cycle}: {out}"
    found = journaled(data)
    for command, number in told.items():
        assert found.get(command) == [number], (
            f"cycle {cycle}: {command} was answered with {number}, the journal has "
            f"{found.get(command)}")
    for command, numbers in found.items():
        assert len(numbers) == 1, f"cycle {cycle}: {command} took effect {len(numbers)} times"
    return out.strip()


def check_can_fail(data):
    """An answer that was never given must be missed: otherwise the comparison proves nothing."""
    invented = uuid7()
    told[invented] = 1
    try:
        check(data, "control")
    except AssertionError:
        return
    finally:
        told.pop(invented)
    raise SystemExit("the control was not noticed: an invented answer passed for journaled")


def main():
    print(f"seed {SEED}; replay: CROSSCLEAR_SEED={SEED} {sys.argv[0]}")
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="crossclear-kill-") as data:
        options = ("--accounts", "20", "--rate", "300")
        for cycle in range(1, CYCLES + 1):
            demo = Demo(data, *options)
            try:
                port = demo.wait_until_trading()
                answered = asyncio.run(trade_until_killed(demo, rng, port))
            finally:
                demo.kill()
            print(f"cycle {cycle}: {answered} answers, {len(unknown)} in doubt; "
                  f"{check(data, cycle)}", flush=True)
        demo = Demo(data, *options, "--json")
        demo.wait_until_trading()
        status, line = demo.finish()
        assert status == 0, (status, line, "\n".join(demo.lines[-20:]))
        print(line)
        check(data, "last")
        check_can_fail(data)
    assert told, "no cycle had an answer: the test has proved nothing"
    print(f"{CYCLES} kills, {len(told)} answers, none lost, none twice")


if __name__ == "__main__":
    main()
