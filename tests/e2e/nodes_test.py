#!/usr/bin/env python3
"""Goal: three nodes are one service, and any of them may go at any time.

Three `crossclear serve` share a Redis and a `crossclear world`, and speak TLS. A fourth has a
certificate that the others do not accept: it takes no partition and says why. Clients trade on all
of the three, on accounts that live anywhere. Under that load one node is killed with SIGKILL,
another is stopped with SIGSTOP until it has been replaced and then wakes up, a new process takes
the killed one's name, and one ends in order. Every answer that a client was given is looked for in
the journal afterwards, no command may have taken effect twice, and the audit holds. CROSSCLEAR_SEED
sets the seed.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from service import (Client, Redis, Service, World, run, uuid7, wait_until,  # noqa: E402
                     write_config)

SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
ACCOUNTS = [f"0-{number}" for number in range(1, 13)]

told = {}     # command id -> (account, trade id)
refused = {}  # reason -> count


def certificates(directory):
    """A certificate for every node, signed by an authority of the test's own."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)
    os.makedirs(directory)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "2", "-subj", "/CN=authority")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "node.key", "-out", "node.csr",
            "-subj", "/CN=node")
    openssl("x509", "-req", "-in", "node.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "node.pem", "-days", "2")
    return {key: os.path.join(directory, name) for key, name in
            (("certificate", "node.pem"), ("key", "node.key"), ("authority", "ca.pem"))}


class Cluster:
    """Three nodes by name, each on a configuration of its own. They speak TLS with each other."""

    def __init__(self, data, redis):
        base = write_config(os.path.join(data, "base.yaml"),
                            data_dir=os.path.join(data, "home"),
                            journal={"mode": "single", "endpoint": {"unix": redis.socket}},
                            world={"mode": "remote", "endpoint": os.path.join(data, "world.sock")})
        with open(base, encoding="utf-8") as file:
            config = yaml.safe_load(file)
        self.base = base
        self.configs = {}
        tls = certificates(os.path.join(data, "tls"))
        # Its certificate is signed by an authority that the others do not know.
        stranger = certificates(os.path.join(data, "tls-of-a-stranger"))
        for name in ("a", "b", "c", "stranger"):
            config["node"] = {"mode": "cluster", "name": name, "address": "127.0.0.1", "port": 0,
                              **(stranger if name == "stranger" else tls)}
            path = os.path.join(data, f"{name}.yaml")
            with open(path, "w", encoding="utf-8") as file:
                yaml.safe_dump(config, file, sort_keys=False)
            self.configs[name] = path
        self.nodes = {}

    def start(self, name, *options):
        self.nodes[name] = Service(self.configs[name], *options).wait_until_up()
        return self.nodes[name]

    def owned(self, name):
        """How many partitions run on a node."""
        _, body = self.nodes[name].get("/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.splitlines()
                   if line.startswith("crossclear_partitions_owned"))

    def wait_for_shares(self, names, partitions=8):
        def is_dealt():
            owned = [self.owned(name) for name in names]
            return sum(owned) == partitions and max(owned) - min(owned) <= 1
        wait_until(is_dealt, f"{partitions} partitions on {names}", 60)

    def kill(self):
        for node in self.nodes.values():
            if node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
            node.kill()


class Trader:
    """One client: trades on one account through any node that answers, each id until it is told."""

    def __init__(self, cluster, account, rng):
        self.cluster, self.account, self.rng = cluster, account, rng
        self.is_over = False
        self.count = 0

    async def connect(self):
        while True:
            name = self.rng.choice(list(self.cluster.nodes))
            node = self.cluster.nodes[name]
            if node.process.poll() is None:
                try:
                    return await asyncio.wait_for(Client.open(node.port, self.account), 5)
                except Exception:  # Whatever a node that goes away does to its clients.
                    pass  # Stopped, or on its way out: another one.
            await asyncio.sleep(0.05)

    async def wish(self):
        """What it buys next, and how much of it."""
        return "ETH", "0.01"

    async def run(self):
        client = await self.connect()
        while not self.is_over:
            instrument, quantity = await self.wish()
            params = {"account": self.account, "instrument": instrument, "side": "buy",
                      "quantity": quantity, "limit_price": "1000000", "client_id": uuid7()}
            while True:
                try:
                    answer = await asyncio.wait_for(
                        client.call("private/submit_trade", **params), 4)
                except Exception:  # Cut off, or not answered in time.
                    client = await self.connect()  # The same id goes again.
                    continue
                error = answer.get("error")
                if error is None:
                    told[params["client_id"]] = (self.account, answer["result"]["trade_id"])
                    self.count += 1
                    await asyncio.sleep(0.02)  # A pace at which claims settle as they arise.
                    break
                reason = error["data"]["reason"]
                refused[reason] = refused.get(reason, 0) + 1
                if reason == "too_much_open":  # Final for this id: nothing is hedged just now.
                    await asyncio.sleep(0.2)
                    break
                assert error["data"]["retryable"], answer
                await asyncio.sleep(0.05)
                if reason == "draining":
                    client = await self.connect()
        await client.socket.close()


async def until(is_so, what, seconds=60):
    await asyncio.get_running_loop().run_in_executor(None, wait_until, is_so, what, seconds)


async def story(cluster, rng):
    traders = [Trader(cluster, account, rng) for account in ACCOUNTS]
    tasks = [asyncio.create_task(trader.run()) for trader in traders]

    async def more(count):
        """Until every account has had so many more answers: its owner answers, wherever it is."""
        goal = [trader.count + count for trader in traders]
        await until(lambda: all(t.count >= g for t, g in zip(traders, goal)) or
                    any(task.done() for task in tasks), "every account to be served")
        assert not any(task.done() for task in tasks), [t for t in tasks if t.done()]

    await more(5)
    cluster.nodes["b"].kill()
    await more(5)
    print(f"after the kill of b: {len(told)} answers, refused {refused}", flush=True)

    stopped = cluster.nodes.pop("c")
    stopped.process.send_signal(signal.SIGSTOP)
    await more(5)
    print(f"while c sleeps: {len(told)} answers, refused {refused}", flush=True)
    stopped.process.send_signal(signal.SIGCONT)
    cluster.nodes["c"] = stopped

    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, cluster.start, "b")
    await loop.run_in_executor(None, cluster.wait_for_shares, ["a", "b", "c"])
    await more(5)
    before = dict(refused)
    leaving = cluster.nodes.pop("a")
    status = await loop.run_in_executor(None, leaving.finish)
    assert status == 0, leaving.lines[-20:]
    await loop.run_in_executor(None, cluster.wait_for_shares, ["b", "c"])
    await more(5)
    print(f"after a went in order: {len(told)} answers, refused {before} -> {refused}", flush=True)

    for trader in traders:
        trader.is_over = True
    await asyncio.gather(*tasks)


def journal_of(config):
    """Every novated trade of the journal: command id -> number; fails if one is there twice."""
    status, dump = run("journal", "dump", "--config", config)
    assert status == 0, dump[-2000:]
    found = {}
    for line in dump.splitlines():
        if '"account.TradeNovated"' not in line:
            continue
        entry = json.loads(line)
        assert entry["command"] not in found, f"twice: {entry['command']}"
        found[entry["command"]] = entry["number"]
    return found


def a_stranger_takes_nothing(cluster):
    """For as long as it is there, and what it owned would have been reached by nobody."""
    stranger = Service(cluster.configs["stranger"]).wait_until_up()
    try:
        def says_why():
            return any("not reached or refuse" in why for why in stranger.why_not())
        wait_until(says_why, "the stranger to say that it is refused", 30)
        cluster.nodes["stranger"] = stranger
        assert cluster.owned("stranger") == 0
        assert stranger.count_lines('"A partition is running."') == 0, stranger.lines[-20:]
        cluster.wait_for_shares(["a", "b", "c"])
        # However often it knocks, the others keep each other.
        for name in ("a", "b", "c"):
            node = cluster.nodes[name]
            assert not node.why_not(), (name, node.why_not())
            assert node.count_lines("the connection is lost") == 0, node.lines[-20:]
    finally:
        cluster.nodes.pop("stranger", None)
        stranger.finish()


def has_money(cluster, account):
    async def ask():
        client = await Client.open(cluster.nodes["a"].port, account)
        answer = await client.call("private/get_account", account=account)
        await client.socket.close()
        return any(line["asset"] == "USDC" and float(line["free"]) > 0
                   for line in answer["result"]["balances"])
    return asyncio.run(ask())


def main():
    print(f"seed {SEED}; replay: CROSSCLEAR_SEED={SEED} {sys.argv[0]}", flush=True)
    with tempfile.TemporaryDirectory(prefix="crossclear-nodes-") as data:
        redis = Redis(os.path.join(data, "redis")).start()
        cluster = Cluster(data, redis)
        world = World(cluster.base).wait_until_up()
        try:
            cluster.start("a", "--create")
            cluster.start("b")
            cluster.start("c")
            cluster.wait_for_shares(["a", "b", "c"])
            a_stranger_takes_nothing(cluster)
            for account in ACCOUNTS:
                status, out = run("world", "--config", cluster.base, "deposit", "--shard",
                                  "aave-uniswap", "--account", account, "--asset", "USDC",
                                  "--amount", "2000000")
                assert status == 0, out
            for account in ACCOUNTS:
                wait_until(lambda: has_money(cluster, account), "deposits to become final", 60)
            asyncio.run(story(cluster, random.Random(SEED)))
            for name in list(cluster.nodes):
                assert cluster.nodes[name].finish() == 0, cluster.nodes[name].lines[-20:]
            journal = journal_of(cluster.base)
            for command, (account, number) in told.items():
                there = f"{account}-t{journal.get(command)}"
                assert there == number, f"{command}: told {number}, the journal has {there}"
            assert world.finish() == 0, world.lines[-20:]
            status, out = run("audit", "--config", cluster.base)
            assert status == 0 and "audit ok" in out, (status, out)
            print(f"{len(told)} answers stand, {len(journal)} trades, refused {refused}; "
                  f"{out.strip()}")
        except BaseException:
            for name, node in cluster.nodes.items():
                print(f"--- {name}", *node.lines[-40:], sep="\n", file=sys.stderr)
            raise
        finally:
            cluster.kill()
            world.kill()
            redis.kill()


if __name__ == "__main__":
    main()
