#!/usr/bin/env python3
"""Goal: a service that keeps only snapshots and the tail of its log loses nothing it ever said.

A demo pays some clients in. Then `crossclear serve` goes on with its data, stores what changed
many times a second and trims its logs into an archive, and is killed with SIGKILL at random moments
while clients trade. After each kill the audit must find nothing, in archive and logs as one whole
chain, and after each start every command that was ever decided is sent again: it must get its first
answer, though the log holds its record no more. In the end a byte of the archive is altered, and a
segment is taken away: each must be told.
CROSSCLEAR_CYCLES sets how many kills, CROSSCLEAR_SEED the seed.
"""

import asyncio
import os
import pathlib
import random
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from service import (Client, Demo, Service, run, uuid7, wait_until,  # noqa: E402
                     write_config)

CYCLES = int(os.environ.get("CROSSCLEAR_CYCLES", "6"))
SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
ACCOUNTS = ("0-1", "0-2", "1-3")
REPEATED_MAX = 200  # Of each account, a cycle.
REMEMBERED = 3_000  # The latest; an account forgets answers beyond 4,096 and refuses their ids.

told = {account: {} for account in ACCOUNTS}  # command id -> trade number, or 0 for a refusal
sent = {account: {} for account in ACCOUNTS}  # command id -> parameters


def order(account, rng):
    side = rng.choice(("buy", "sell"))
    return {"account": account, "instrument": rng.choice(("BTC-PERP", "ETH-PERP")), "side": side,
            "quantity": "0.01", "client_id": uuid7(),
            "limit_price": "1000000" if side == "buy" else "0.000000001"}


async def ask(client, params):
    """Sends a command; holds a decision against what was said before."""
    account, command = params["account"], params["client_id"]
    sent[account][command] = params
    answer = await client.call("private/submit_trade", **params)
    error = answer.get("error")
    if error is not None and error["data"]["retryable"]:
        return False
    number = 0 if error else int(answer["result"]["trade_id"].rsplit("t", 1)[1])
    first = told[account].setdefault(command, number)
    assert first == number, f"{command}: told {first}, then {number}: {error}"
    return True


async def trade(port, account, rng):
    client = await Client.open(port, account)
    again = list(told[account])[-REMEMBERED:]
    for command in rng.sample(again, min(len(again), REPEATED_MAX)):
        assert await ask(client, sent[account][command]), "a decided command was not answered"
    for command in [c for c in sent[account] if c not in told[account]]:
        await ask(client, sent[account][command])
    while True:
        await ask(client, order(account, rng))


async def trade_until_killed(service, rng):
    traders = [asyncio.create_task(trade(service.port, account, rng)) for account in ACCOUNTS]
    asyncio.get_running_loop().call_later(rng.uniform(1.5, 4), service.kill)
    for gone in await asyncio.gather(*traders, return_exceptions=True):
        if isinstance(gone, AssertionError):  # Connections end with the process.
            raise gone


def audited(config, when, is_whole=True):
    status, out = run("audit", "--config", config)
    assert status == 0 and "audit ok" in out, f"{when}: {out}"
    assert (": what came before is what its snapshots say" in out) != is_whole, f"{when}: {out}"
    return out.splitlines()[0]


def verify(config):
    return run("journal", "verify", "--config", config)


def check_archive(config, archive):
    """What is altered or missing is told, with the file."""
    status, out = verify(config)
    assert status == 0, out
    segments = sorted(str(path) for path in pathlib.Path(archive).glob("p*/*.records"))
    assert segments, "nothing was archived: the test has proved nothing"
    path = max(segments, key=os.path.getsize)
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
        file.flush()
        status, out = verify(config)
        assert status == 1 and path in out and "record" in out, out
        status, out = run("audit", "--config", config)
        assert status == 1 and path in out, out
        file.seek(-1, os.SEEK_CUR)
        file.write(byte)
    # The first of a partition: without it nothing tells what its log began with.
    path = segments[0]
    os.rename(path, path + ".away")
    status, out = run("audit", "--config", config)
    os.rename(path + ".away", path)
    assert status == 1 or "was trimmed" in out, (path, out)
    status, out = verify(config)
    assert status == 0, out
    return len(segments)


def check_can_fail(service):
    """An answer that was never given must be missed: otherwise the repeats prove nothing."""
    async def repeat():
        account = ACCOUNTS[0]
        client = await Client.open(service.port, account)
        command = next(c for c, number in reversed(told[account].items()) if number > 0)
        told[account][command] += 1
        try:
            await ask(client, sent[account][command])
        except AssertionError:
            return
        finally:
            told[account][command] -= 1
        raise SystemExit("the control was not noticed: another answer passed for the first one")
    asyncio.run(repeat())


def bases(service):
    _, metrics = service.get("/metrics")
    return [float(v) for v in re.findall(r'crossclear_journal_base\{[^}]*\} (\S+)', metrics)]


def main():
    print(f"seed {SEED}; replay: CROSSCLEAR_SEED={SEED} {sys.argv[0]}")
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="crossclear-snapshots-") as data:
        demo = Demo(data, "--accounts", "4", "--rate", "50", "--duration", "2s")
        status, line = demo.wait()
        assert status == 0, (status, line, "\n".join(demo.lines[-20:]))
        archive = os.path.join(data, "archive")
        os.mkdir(archive)
        journal = {"mode": "embedded", "snapshot_records": 50, "snapshot_every": "200ms",
                   "is_trimmed": True}
        without = write_config(os.path.join(data, "without.yaml"), data_dir=data, journal=journal)
        config = write_config(os.path.join(data, "service.yaml"), data_dir=data,
                              journal={**journal, "archive": archive})
        highest = 0
        for cycle in range(1, CYCLES + 1):
            service = Service(config)
            try:
                service.wait_until_up()
                wait_until(lambda: not service.why_not(), "every partition to be read")
                asyncio.run(trade_until_killed(service, rng))
            finally:
                service.kill()
            print(f"cycle {cycle}: {sum(map(len, told.values()))} answers; "
                  f"{audited(config, cycle)}", flush=True)
        service = Service(config).wait_until_up()
        try:
            wait_until(lambda: not service.why_not(), "every partition to be read")
            check_can_fail(service)
            highest = max(bases(service), default=0)
        finally:
            assert service.finish() == 0, "\n".join(service.lines[-20:])
        line = audited(config, "last")
        audited(without, "without the archive", is_whole=False)
        segments = check_archive(config, archive)
    assert "snapshots 0 " not in line, line
    assert all(told.values()), "a client had no answer: the test has proved nothing"
    print(f"{CYCLES} kills, {sum(map(len, told.values()))} answers, none lost, none changed; "
          f"{segments} segments; the highest base is {highest:.0f}; {line}")


if __name__ == "__main__":
    main()
