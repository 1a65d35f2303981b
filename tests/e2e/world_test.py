#!/usr/bin/env python3
"""Goal: the outside world survives any node, and a node survives the world.

`crossclear world` runs the chains and `crossclear serve` uses them over a socket. A client's trades
are hedged there and settle; the service and the world are each killed with SIGKILL while it trades
and started again, and in the end the journal and the chains' own files agree. CROSSCLEAR_SEED sets
the seed of the moments.
"""

import asyncio
import os
import random
import sys

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from service import Client, run, two_programs, uuid7, wait_until  # noqa: E402

SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
ACCOUNT = "0-1"

told = {}     # command id -> trade id
unknown = {}  # command id -> parameters, sent and never answered


def changed(config, name, change):
    """A copy of a configuration with something else in it."""
    with open(config, encoding="utf-8") as file:
        other = yaml.safe_load(file)
    change(other)
    path = os.path.join(os.path.dirname(config), name)
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(other, file, sort_keys=False)
    return path


def refuses_what_does_not_fit(config):
    """A second world, a service with the world inside, and a node with another listing."""
    status, out = run("world", "--config", config)
    assert status == 2 and "One process runs the world of a directory" in out, (status, out)
    inside = changed(config, "inside.yaml", lambda x: x.pop("world"))
    status, out = run("serve", "--config", inside, "--create")
    assert status == 2 and "One process runs the world of a directory" in out, (status, out)
    status, out = run("world", "--config", inside)
    assert status == 2 and "mode: remote" in out, (status, out)

    def rescale(other):
        other["listing"]["assets"][2]["scale"] = 8
    status, out = run("serve", "--config", changed(config, "other.yaml", rescale))
    assert status == 2 and "the world has another listing" in out, (status, out)


def deposit(config, amount):
    status, out = run("world", "--config", config, "deposit", "--shard", "aave-uniswap",
                      "--account", ACCOUNT, "--asset", "USDC", "--amount", amount)
    assert status == 0, (status, out)


def total(service, name):
    """The sum of a family's series."""
    _, body = service.get("/metrics")
    return sum(float(line.rsplit(" ", 1)[1]) for line in body.splitlines()
               if line.startswith(f"crossclear_{name}{{"))


async def send(client, params):
    unknown[params["client_id"]] = params
    answer = await client.call("private/submit_trade", **params)
    error = answer.get("error")
    if error is not None:
        assert error["data"].get("retryable"), (params, answer)
        return  # Nothing was decided, or nobody knows: the same id goes again.
    number = answer["result"]["trade_id"]
    first = told.setdefault(params["client_id"], number)
    assert first == number, f"{params['client_id']}: told {first}, then {number}"
    unknown.pop(params["client_id"])


async def trade(service, count):
    """Buys ETH `count` times, far beyond what alpha leaves unhedged; first what is in doubt."""
    client = await Client.open(service.port, ACCOUNT)
    for params in list(unknown.values()):
        await send(client, params)
    for _ in range(count):
        await send(client, {"account": ACCOUNT, "instrument": "ETH", "side": "buy",
                            "quantity": "5", "limit_price": "1000000", "client_id": uuid7()})
        await asyncio.sleep(0.05)
    await client.socket.close()


async def trade_until_killed(service, program, after):
    """Trades on while `program` is killed `after` so many seconds; the service may be it."""
    asyncio.get_running_loop().call_later(after, program.kill)
    try:
        await trade(service, 20)
    except Exception as gone:  # The connection ends with the process, whatever it was doing.
        if isinstance(gone, AssertionError) or program is not service:
            raise


async def has_money(service):
    client = await Client.open(service.port, ACCOUNT)
    answer = await client.call("private/get_account", account=ACCOUNT)
    await client.socket.close()
    return any(line["asset"] == "USDC" and float(line["free"]) > 0
               for line in answer["result"]["balances"])


async def open_claims(service):
    client = await Client.open(service.port, ACCOUNT)
    answer = await client.call("private/get_settlements", account=ACCOUNT, count=100)
    await client.socket.close()
    return [line for line in answer["result"]["settlements"] if float(line["open"]) != 0]


def settle(service):
    """Waits until what was traded is hedged on the chain and every claim is settled."""
    wait_until(lambda: not asyncio.run(open_claims(service)), "all claims to be settled", 120)
    quiet = []

    def is_quiet():
        busy = total(service, "hedge_tasks") + total(service, "tx_pending")
        quiet.append(busy == 0)
        return len(quiet) > 40 and all(quiet[-40:])
    wait_until(is_quiet, "the hedges to end", 180)


def audit(config):
    status, out = run("audit", "--config", config)
    assert status == 0 and "audit ok" in out and "at rest yes" in out, (status, out)
    assert " shard lines 0 " not in out, out
    status, dump = run("journal", "dump", "--config", config)
    assert status == 0, dump[-2000:]
    fills = dump.count("SliceFilled")
    assert fills > 0, "nothing was ever hedged: the test has proved nothing"
    return f"{out.strip()}; {fills} fills"


def story(both, rng):
    both.configure()
    both.start_world()
    refuses_what_does_not_fit(both.config)
    both.start_service("--create")
    deposit(both.config, "2000000")
    wait_until(lambda: asyncio.run(has_money(both.service)), "the deposit to become final", 60)
    asyncio.run(trade(both.service, 5))
    settle(both.service)

    asyncio.run(trade_until_killed(both.service, both.service, rng.uniform(0.2, 0.9)))
    both.start_service()
    asyncio.run(trade(both.service, 5))

    # Clearing needs no shard: every one of these is answered.
    asyncio.run(trade_until_killed(both.service, both.world, rng.uniform(0.2, 0.9)))
    both.service.wait_for_line('"The world is away; its shards are unreachable."')
    both.start_world()
    wait_until(lambda: both.service.count_lines('"The world is connected."') == 2, "the world")
    asyncio.run(trade(both.service, 5))
    assert not unknown, unknown
    settle(both.service)

    both.finish()
    print(audit(both.config))


def main():
    print(f"seed {SEED}; replay: CROSSCLEAR_SEED={SEED} {sys.argv[0]}")
    with two_programs() as both:
        story(both, random.Random(SEED))
    print(f"{len(told)} trades, none lost, none twice")


if __name__ == "__main__":
    main()
