#!/usr/bin/env python3
"""Goal: whatever Redis does, no answer is given that does not stand, and nobody need restart us.

A demo pays some clients in. Then `crossclear serve` runs on a redis-server of this test's own, and
clients trade without a pause while that server is killed, stopped, made a replica, filled,
misconfigured and cut off from its disk. Each time: no request that was sent after the fault is
granted, whoever asks is refused with 11070 or held, /readyz says why, and once Redis is well again
all goes on in the same process. Every answer ever received must be in the journal at the end,
under the same number, once.
"""

import asyncio
import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from service import (BINARY, Client, Redis, Service, run, uuid7, wait_until,  # noqa: E402
                     write_config)

SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
ACCOUNTS = ("0-1", "0-2", "1-3")
REFUSED_AT_DOOR = {(11070, "journal_unavailable"), (11070, "partition_recovering")}


class Trader:
    """One client that keeps one order on its way, and sends it again until it is decided."""

    def __init__(self, account, rng):
        self.account = account
        self.rng = rng
        self.told = {}     # command id -> trade number, or 0 for a refusal
        self.sent = {}     # command id -> its parameters
        self.granted = []  # when each granted request was sent, by the monotonic clock
        self.refusals = []
        self.changed = asyncio.Condition()
        self.is_stopping = False

    def order(self):
        side = self.rng.choice(("buy", "sell"))
        return {"account": self.account, "instrument": self.rng.choice(("BTC-PERP", "ETH-PERP")),
                "side": side, "quantity": "0.01", "client_id": uuid7(),
                "limit_price": "1000000" if side == "buy" else "0.000000001"}

    async def ask(self, client, params):
        at = time.monotonic()
        answer = await client.call("private/submit_trade", **params)
        return await self.note(params, answer, at)

    async def note(self, params, answer, at):
        """Holds an answer against what was said before; returns whether the command is decided."""
        error = answer.get("error")
        async with self.changed:
            self.changed.notify_all()
            if error is not None and error["data"]["retryable"]:
                known = (error["code"], error["data"]["reason"])
                assert known in REFUSED_AT_DOOR, answer
                self.refusals.append(known)
                return False
            number = 0 if error else int(answer["result"]["trade_id"].rsplit("t", 1)[1])
            first = self.told.setdefault(params["client_id"], number)
            assert first == number, f"{params['client_id']}: told {first}, then {number}"
            self.granted.append(at)
            return True

    async def trade(self, port):
        client = await Client.open(port, self.account)
        while not self.is_stopping:
            params = self.order()
            self.sent[params["client_id"]] = params
            while not await self.ask(client, params) and not self.is_stopping:
                await asyncio.sleep(0.02)  # What a client does that is told to retry.
            await asyncio.sleep(0.005)  # Some two hundred a second are load enough.
        await client.socket.close()

    async def wait(self, is_so, what, seconds=30):
        async with self.changed:
            try:
                await asyncio.wait_for(self.changed.wait_for(is_so), seconds)
            except asyncio.TimeoutError:
                raise AssertionError(f"{self.account}: gave up waiting for {what}") from None

    async def probe(self, client, waiting):
        """New orders, one after the other, until one is refused; the others are held meanwhile."""
        while True:
            params = self.order()
            self.sent[params["client_id"]] = params
            client.number += 1
            waiting[client.number] = (params, time.monotonic())
            await client.send(json.dumps({"jsonrpc": "2.0", "id": client.number, "params": params,
                                          "method": "private/submit_trade"}))
            try:
                answer = await asyncio.wait_for(client.receive(), 0.3)
            except asyncio.TimeoutError:
                continue  # Held, because nobody knows yet: what comes after it is refused.
            asked, at = waiting.pop(answer["id"])
            if not await self.note(asked, answer, at):
                return

    async def collect(self, client, waiting):
        """What was held is answered."""
        while waiting:
            answer = await asyncio.wait_for(client.receive(), 30)
            params, at = waiting.pop(answer["id"])
            await self.note(params, answer, at)
        await client.socket.close()

    async def repeat_some(self, port):
        """The same ids again: whatever was said first is said again."""
        client = await Client.open(port, self.account)
        # An account remembers 4,096 answers, and these are the latest of more.
        latest = list(self.told)[-1_000:]
        for command in self.rng.sample(latest, min(20, len(latest))):
            assert await self.ask(client, self.sent[command])
        await client.socket.close()


class Faults:
    """What is done to Redis, and how it is mended. Each returns a part of what /readyz says."""

    def __init__(self, redis, directory):
        self.redis = redis
        self.directory = directory
        self.other = None

    def kill(self):
        self.redis.kill()
        return "redis-server"  # Part of the remedy.

    def mend_kill(self):
        self.redis.start()

    def stop(self):
        self.redis.signal(signal.SIGSTOP)
        return "no answer"

    def mend_stop(self):
        self.redis.signal(signal.SIGCONT)

    def become_a_replica(self):
        """A fail-over: another server takes over what ours has, and ours follows it."""
        ports = []
        for _ in range(2):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        ours, others = (str(port) for port in ports)
        self.redis.command("CONFIG", "SET", "port", ours)
        self.other = Redis(os.path.join(self.directory, "other"), "--port", others,
                           "--replicaof", f"127.0.0.1 {ours}").start()
        wait_until(lambda: "master_link_status:up" in self.other.command("INFO", "replication"),
                   "the replica to follow")
        # A fail-over in order: without the pause, what ours acknowledges last is lost with it.
        self.redis.command("CLIENT", "PAUSE", "30000", "WRITE")
        wait_until(lambda: offset_of(self.other) == offset_of(self.redis),
                   "the replica to have everything")
        self.redis.command("REPLICAOF", "127.0.0.1", others)
        self.redis.command("CLIENT", "UNPAUSE")
        self.other.command("REPLICAOF", "NO", "ONE")
        return "primary"

    def mend_become_a_replica(self):
        wait_until(lambda: "master_link_status:up" in self.redis.command("INFO", "replication"),
                   "ours to have everything again")
        self.redis.command("REPLICAOF", "NO", "ONE")
        self.other.kill()

    def want_replicas(self):
        self.redis.command("CONFIG", "SET", "min-replicas-to-write", "1")
        return "min-replicas-to-write"

    def mend_want_replicas(self):
        self.redis.command("CONFIG", "SET", "min-replicas-to-write", "0")

    def fill_memory(self):
        self.redis.command("CONFIG", "SET", "maxmemory", "100kb")
        return "maxmemory"

    def mend_fill_memory(self):
        self.redis.command("CONFIG", "SET", "maxmemory", "0")

    def sync_less(self):
        self.redis.command("CONFIG", "SET", "appendfsync", "everysec")
        return "CONFIG SET appendfsync always"

    def mend_sync_less(self):
        self.redis.command("CONFIG", "SET", "appendfsync", "always")

    def keep_nothing(self):
        self.redis.command("CONFIG", "SET", "appendonly", "no")
        return "CONFIG SET appendonly yes"

    def mend_keep_nothing(self):
        self.redis.command("CONFIG", "SET", "appendonly", "yes")

    def fill_disk(self):
        """No file may grow any more, which is what a full disk looks like: Redis gives up."""
        resource.prlimit(self.redis.process.pid, resource.RLIMIT_FSIZE, (1, 1))
        self.redis.process.wait(timeout=30)
        return "redis-server"

    def mend_fill_disk(self):
        self.redis.start()


def offset_of(redis):
    """How far its stream of writes has come."""
    return re.search(r"master_repl_offset:(\d+)", redis.command("INFO", "replication")).group(1)


# Whether a request may still be granted for a moment: what nobody refuses has to be noticed.
PLAN = (("kill", False), ("stop", False), ("become_a_replica", False), ("want_replicas", False),
        ("fill_memory", False), ("sync_less", True), ("keep_nothing", True), ("fill_disk", False))
NOTICED_WITHIN = 2.5


async def suffer(name, is_noticed_late, faults, service, traders):
    """One fault from its beginning to its end, under load."""
    refused = sum(len(trader.refusals) for trader in traders)
    probes = [(trader, await Client.open(service.port, trader.account), {}) for trader in traders]
    reason = await asyncio.to_thread(getattr(faults, name))
    begun = time.monotonic()
    await asyncio.to_thread(
        wait_until, lambda: any(reason in why for why in service.why_not()),
        f"/readyz to say {reason!r}, it says {service.why_not()}")
    for trader, client, waiting in probes:
        await asyncio.wait_for(trader.probe(client, waiting), 30)
    granted_late = [at - begun for trader in traders for at in trader.granted if at > begun]
    allowed = NOTICED_WITHIN if is_noticed_late else 0
    assert all(late <= allowed for late in granted_late), (name, granted_late)
    await asyncio.to_thread(getattr(faults, "mend_" + name))
    mended = time.monotonic()
    for trader, client, waiting in probes:
        await trader.collect(client, waiting)
        await trader.wait(lambda: trader.granted[-1] > mended, f"an answer after {name}")
    await asyncio.to_thread(wait_until, lambda: not service.why_not(), "/readyz to be content")
    for trader in traders:
        await trader.repeat_some(service.port)
    refused = sum(len(trader.refusals) for trader in traders) - refused
    print(f"{name}: {refused} refusals, ready again "
          f"after {time.monotonic() - mended:.1f} s", flush=True)


async def trade_through(plan, faults, service, rng):
    traders = [Trader(account, random.Random(rng.random())) for account in ACCOUNTS]
    tasks = [asyncio.create_task(trader.trade(service.port)) for trader in traders]
    gathered = asyncio.gather(*tasks)
    for trader in traders:
        await trader.wait(lambda: len(trader.told) >= 10, "the first answers")
    for name, is_noticed_late in plan:
        suffering = asyncio.create_task(suffer(name, is_noticed_late, faults, service, traders))
        await asyncio.wait((suffering, gathered), return_when=asyncio.FIRST_COMPLETED)
        assert not gathered.done(), gathered.exception()
        await suffering
    for trader in traders:
        trader.is_stopping = True
    await gathered
    return {command: (trader.account, number)
            for trader in traders for command, number in trader.told.items()}


def journaled(config):
    status, out = run("journal", "dump", "--config", config)
    found = {}
    for line in out.splitlines():
        if '"command"' in line:
            entry = json.loads(line)
            account = entry["entity"].removeprefix("account/")
            found.setdefault(entry["command"], []).append((account, entry["number"]))
    return status, found


def missing(config, told):
    """The answers that do not stand, as many as there are."""
    status, found = journaled(config)
    assert status == 0, "the journal cannot be read"
    return [command for command, answer in told.items() if found.get(command) != [answer]]


def loses_what_is_cut(redis, config, told):
    """The control: half of what was appended is lost, and the comparison has to notice."""
    redis.kill()
    folder = os.path.join(redis.directory, "appendonlydir")
    appended = max((os.path.join(folder, name) for name in os.listdir(folder) if ".incr." in name),
                   key=os.path.getsize)
    os.truncate(appended, os.path.getsize(appended) // 2)
    redis.start()
    lost = missing(config, told)
    assert lost, "half of the file is gone and every answer is said to stand"
    print(f"the control lost {len(lost)} of {len(told)} answers and it was noticed")


def waits_for_redis(redis, config):
    """Absent at start: waited for, and said so; then it comes."""
    service = Service(config)
    service.wait_for_line("The journal's Redis is waited for.")
    assert service.process.poll() is None
    redis.start()
    return service.wait_until_up()


def main():
    print(f"seed {SEED}; replay: CROSSCLEAR_SEED={SEED} {sys.argv[0]}")
    with tempfile.TemporaryDirectory(prefix="crossclear-redis-") as data:
        absent = write_config(os.path.join(data, "absent.yaml"), data_dir=os.path.join(data, "no"),
                              journal={"mode": "single",
                                       "endpoint": {"unix": os.path.join(data, "absent.sock")}})
        refused = Service(absent)
        subprocess.run([BINARY, "demo", "--trades", "20", "--accounts", "10", "--data", data,
                        "--quiet", "--port", "0", "--ops-port", "0"], check=True, timeout=120)
        redis = Redis(os.path.join(data, "redis"))
        config = write_config(os.path.join(data, "service.yaml"), data_dir=data,
                              journal={"mode": "single", "endpoint": {"unix": redis.socket}})
        faults = Faults(redis, data)
        service = None
        try:
            service = waits_for_redis(redis, config)
            told = asyncio.run(trade_through(PLAN, faults, service, random.Random(SEED)))
            assert service.finish() == 0, service.lines[-20:]
            assert told, "nobody was ever answered"
            status, out = run("audit", "--config", config)
            assert status == 0 and "audit ok" in out, out
            assert not missing(config, told), missing(config, told)
            loses_what_is_cut(redis, config, told)
            assert refused.process.wait(timeout=60) == 2, refused.lines
            assert "Start redis-server there" in "\n".join(refused.lines), refused.lines
        finally:
            redis.kill()
            if faults.other is not None:
                faults.other.kill()
            refused.kill()
            if service is not None:
                service.kill()
    print(f"{len(PLAN)} faults, {len(told)} answers, all stand")


if __name__ == "__main__":
    main()
