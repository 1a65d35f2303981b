#!/usr/bin/env python3
"""Goal: two nodes that both believe to own a signing lane spend each nonce of its key once.

Three anvils, and two `crossclear serve` of one cluster on one Redis, which speak TLS. What they say
to chains, signer and journal passes through wires of the test's own. Clients trade all the time. In
each round one thing that the owner says is held up: a signature that it asks for or a transaction
that it sends, and it is stopped with SIGSTOP or killed; or the record of an intent, which cuts it
off from the journal while it goes on. The other node takes over and signs on; then what was held is
let go, and who was stopped wakes up and does not know yet that it is the owner no more. Whatever
any node has sent is in the journal, each vault has ended each intent once, each transaction of the
key is the journal's, no lane was said to halt, and the audit holds. CROSSCLEAR_SEED sets the seed.
"""

import asyncio
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from chains import SKIPPED, Site, ask  # noqa: E402
from chains_config import BROKER, SHARDS, chains_config  # noqa: E402
from chains_moves_test import MILLION, client_of  # noqa: E402
from chains_wires import SEND, SIGN, WRITE, Wires, bytes_of  # noqa: E402
from nodes_test import Trader, certificates, refused, told, until  # noqa: E402
from service import Client, Redis, Service, run, wait_until  # noqa: E402

SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
ACCOUNTS = ["0-1", "0-2", "0-3", "0-4"]
PARTITIONS = 8
PAID_IN = 1_000_000 * MILLION
NODES = ("a", "b")
WISHES = {"ETH": "0.2", "sETH": "0.2", "sBTC": "0.01", "DAI": "600", "AUG-Y": "1500"}
PACE_S = 0.1      # Between two trades of one account.
PATIENCE_S = 20     # Less than until an idle partition writes by itself.
TAKEN_OVER = 5      # The other node has sent so many new transactions.
# What is held up, and what the node suffers then besides.
ROUNDS = (4 * [(SIGN, "sleep")] + 3 * [(SEND, "sleep")] + 4 * [(WRITE, "nothing")] +
          [(SIGN, "kill"), (SEND, "kill")])
HALTED = '"A signing lane stands still until an operator has looked."'
LOST = ('"A partition belongs to another owner now."', '"A partition is handed over."')
ENDED = "Ended(bytes32,uint8,address,uint256,address,uint256,int256)"


class Cluster:
    """Two nodes by name, each with wires of its own."""

    def __init__(self, data, site, wires):
        self.configs, self.nodes = {}, {}
        self.started = []   # Also those to which clients do not turn just now.
        tls = certificates(os.path.join(data, "tls"))
        for name in NODES:
            path = os.path.join(data, f"{name}.yaml")
            config = chains_config(
                path, data_dir=os.path.join(data, "home"),
                journal={"mode": "single", "endpoint": {"unix": wires.journal(name)}},
                node={"mode": "cluster", "name": name, "address": "127.0.0.1", "port": 0,
                      "lease": "1s", **tls},
                world={"mode": "chains", "site": site.file,
                       "endpoints": [{"shard": shard, "urls": [wires.url(name, shard)]}
                                     for shard in SHARDS],
                       "signers": [{"broker": BROKER, "url": wires.url(name, "signer")}],
                       "outsiders": True})
            with open(path, "w", encoding="utf-8") as file:
                yaml.safe_dump(config, file, sort_keys=False)
            self.configs[name] = path
        self.base = self.configs[NODES[0]]

    def start(self, name, *options):
        node = Service(self.configs[name], *options)
        self.started.append((name, node))
        self.nodes[name] = node.wait_until_up()

    def figure(self, name, what):
        """The sum over all labels."""
        _, body = self.nodes[name].get("/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.splitlines()
                   if line.startswith(f"crossclear_{what}"))

    def wait_for_shares(self):
        wait_until(lambda: all(self.figure(name, "partitions_owned") == PARTITIONS / len(NODES)
                               for name in NODES), "each node to have its share", 60)

    def owned(self):
        return sum(self.figure(name, "partitions_owned") for name in NODES)

    def kill(self):
        for _, node in self.started:
            node.kill()


class Buyer(Trader):
    """Of all that the broker hedges."""

    async def wish(self):
        await asyncio.sleep(PACE_S)
        return self.rng.choice(list(WISHES.items()))


class Story:
    """What happens to the nodes while clients trade."""

    def __init__(self, cluster, wires, rng):
        self.cluster, self.wires = cluster, wires
        self.traders = [Buyer(cluster, account, rng) for account in ACCOUNTS]
        self.rounds = rng.sample(ROUNDS, len(ROUNDS))
        self.home = home_of(cluster)
        self.fenced = 0     # Writes of nodes that woke up.

    async def run(self):
        self.tasks = [asyncio.create_task(trader.run()) for trader in self.traders]
        for method, fate in self.rounds:
            await self.more(3)
            await (self.kill(method) if fate == "kill" else self.replace(method, fate))
        await self.more(3)
        for trader in self.traders:
            trader.is_over = True
        await asyncio.gather(*self.tasks)
        assert self.fenced > 0, "nobody ever believed to be the owner still"

    async def until(self, is_so, what, seconds=60):
        """Whatever it waits for, no lane halts and no client is told what it must not be."""
        def failed():
            return ([task for task in self.tasks if task.done()] +
                    [node.see_line(HALTED, 0) for node in self.cluster.nodes.values()
                     if node.count_lines(HALTED)])

        await until(lambda: is_so() or failed(), what, seconds)
        assert not failed(), (what, failed())

    async def more(self, count):
        """Every account has had so many more answers."""
        goal = [trader.count + count for trader in self.traders]
        await self.until(lambda: all(t.count >= g for t, g in zip(self.traders, goal)),
                         "every account to be served")

    async def hold(self, method):
        """The owner's next call waits on its wire; clients do not turn to the owner any more."""
        held = self.wires.hold(method)
        await self.until(held.is_there.is_set, f"a call of {method}")
        return held, self.cluster.nodes.pop(held.node)

    async def take_over(self, name):
        """A node has sent what no other has."""
        before = self.wires.sent_only_by(name)
        await self.until(lambda: len(self.wires.sent_only_by(name) - before) >= TAKEN_OVER,
                         f"{name} to sign on")

    async def replace(self, method, fate):
        held, owner = await self.hold(method)
        if fate == "sleep":
            owner.process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        await self.take_over(other_than(held.node))
        if fate == "nothing":   # It follows the chains, and finds what is not its own.
            spent = self.wires.count_nonces("pending")
            await self.until(lambda: self.wires.count_nonces("finalized") >= spent,
                             "transactions of the other to be final")
        lost, calls = count_lost(owner, self.home), self.wires.calls_of(held.node)
        took = time.monotonic() - begun
        held.goes.set()
        owner.process.send_signal(signal.SIGCONT)
        self.cluster.nodes[held.node] = owner
        await self.until(lambda: count_lost(owner, self.home) > lost, f"{held.node} to let go")
        calls = self.wires.calls_of(held.node) - calls
        await self.until(lambda: not owner.why_not(), f"{held.node} to be ready")
        # Also of what has nothing to write.
        await self.until(lambda: self.cluster.owned() == PARTITIONS,
                         "each partition to have one owner", PATIENCE_S)
        halted = {name: self.cluster.figure(name, "signing_lane_halted") for name in NODES}
        assert not any(halted.values()), halted
        fenced = self.cluster.figure(held.node, "fenced_writes_total")
        self.fenced += fenced
        print(f"{held.node} was replaced at {method} within {took:.1f} s; then it asked for "
              f"{calls[SIGN]} signatures, sent {calls[SEND]} times, and {fenced:.0f} of its "
              f"writes are fenced so far; {len(told)} answers, refused {refused}", flush=True)

    async def kill(self, method):
        held, owner = await self.hold(method)
        owner.kill()
        await self.take_over(other_than(held.node))
        held.goes.set()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.cluster.start, held.node)
        node = self.cluster.nodes[held.node]
        await self.until(lambda: not node.why_not(), f"{held.node} to be ready")
        print(f"{held.node} was killed at {method}; {len(told)} answers, refused {refused}",
              flush=True)


def other_than(name):
    return next(other for other in NODES if other != name)


def count_lost(node, partition):
    """How often it has let go of a partition."""
    return sum(any(one in line for one in LOST) and json.loads(line)["partition"] == str(partition)
               for line in list(node.lines))


def entries_of(cluster):
    status, dump = run("journal", "dump", "--config", cluster.base)
    assert status == 0, dump[-2000:]
    return [json.loads(line) for line in dump.splitlines()]


def home_of(cluster):
    """The partition whose journal has the signing lanes."""
    return next(entry["partition"] for entry in entries_of(cluster)
                if entry["event"] == "signing.LaneOpened")


def is_all_final(cluster):
    counts = collections.Counter(entry["event"] for entry in entries_of(cluster))
    closed = counts["netting.HedgeClosed"] + counts["netting.HedgeCalledOff"]
    return (counts["signing.IntentTaken"] == counts["signing.NonceFinished"]
            and counts["netting.HedgeOpened"] == closed)


def journal_bytes(redis):
    """All that was ever written to it."""
    return b"".join(
        subprocess.run(["redis-cli", "--raw", "-s", redis.socket, "XRANGE", f"{{p{number:02}}}:s",
                        "-", "+"], capture_output=True, check=True).stdout
        for number in range(PARTITIONS))


def check_chain(chain, journal, finished):
    """Each transaction of the key is the journal's; how many there are."""
    url, vault = chain["url"], chain["deployment"]["vaults"][BROKER]
    key = vault["operator"].lower()
    latest = int(ask(url, "eth_blockNumber"), 16)
    ours = [one for number in range(latest + 1)
            for one in ask(url, "eth_getBlockByNumber", hex(number), True)["transactions"]
            if one["from"].lower() == key]
    assert [int(one["nonce"], 16) for one in ours] == list(range(finished)), (ours, finished)
    for one in ours:
        assert bytes_of(one["hash"]) in journal, f"nobody has written it: {one}"
    # Nor does anything wait for a block.
    assert int(ask(url, "eth_getTransactionCount", key, "pending"), 16) == finished
    topic = ask(url, "web3_sha3", "0x" + ENDED.encode().hex())
    ended = ask(url, "eth_getLogs", {"address": vault["address"], "topics": [topic],
                                     "fromBlock": "0x0", "toBlock": "latest"})
    intents = [one["topics"][1] for one in ended]
    assert 0 < len(intents) == len(set(intents)), intents
    assert {one["transactionHash"] for one in ended} <= {one["hash"] for one in ours}
    return len(ours)


def check_all(cluster, site, redis, wires):
    entries = entries_of(cluster)
    counts = collections.Counter(entry["event"] for entry in entries)
    finished = collections.Counter(entry["entity"] for entry in entries
                                   if entry["event"] == "signing.NonceFinished")
    assert counts["signing.LaneHalted"] == counts["reconcile.BreakOpened"] == 0, counts
    journal = journal_bytes(redis)
    for node, sent in wires.sent.items():
        for raw in sent:
            assert bytes_of(raw) in journal, f"{node} sent what nobody has written: {raw}"
    numbers = {shard: number for number, shard in enumerate(SHARDS)}
    spent = {chain["shard"]: check_chain(chain, journal,
                                         finished[f"signing/0.{numbers[chain['shard']]}"])
             for chain in site.chains}
    assert sum(spent.values()) == counts["signing.IntentTaken"] > 0, (spent, counts)
    status, out = run("audit", "--config", cluster.base)
    assert status == 0 and "audit ok" in out, (status, out)
    both = set(wires.sent["a"]) & set(wires.sent["b"])
    print(f"nonces spent: {spent}; {counts['signing.TransactionSigned']} transactions signed, "
          f"{ {node: len(set(sent)) for node, sent in wires.sent.items()} } sent, "
          f"{len(both)} of them by both")
    print(out.strip())


def deposits(site):
    for account in ACCOUNTS:
        client_of(site, "deposit", "augur", BROKER, account.split("-")[1], "USDC", PAID_IN)


def has_money(cluster, account):
    async def balance():
        client = await Client.open(cluster.nodes["a"].port, account)
        answer = await client.call("private/get_account", account=account)
        await client.socket.close()
        return any(line["asset"] == "USDC" and float(line["free"]) > 0
                   for line in answer["result"]["balances"])
    return asyncio.run(balance())


def check(site, folder, rng):
    redis = Redis(os.path.join(folder, "redis")).start()
    wires = Wires(site, BROKER, NODES, folder, redis)
    cluster = Cluster(folder, site, wires)
    try:
        cluster.start("a", "--create")
        cluster.start("b")
        cluster.wait_for_shares()
        deposits(site)
        for account in ACCOUNTS:
            wait_until(lambda: has_money(cluster, account), "deposits to become final", 60)
        asyncio.run(Story(cluster, wires, rng).run())
        wait_until(lambda: is_all_final(cluster), "all orders to be final", 60)
        for name in NODES:
            assert cluster.nodes[name].finish() == 0, cluster.nodes[name].lines[-20:]
        check_all(cluster, site, redis, wires)
    except BaseException:
        for name, node in cluster.started:
            print(f"--- {name}", *node.lines[-40:], sep="\n", file=sys.stderr)
        raise
    finally:
        cluster.kill()
        wires.stop()
        redis.kill()


def main():
    if "CROSSCLEAR_NPM" not in os.environ:
        print("skipped: CROSSCLEAR_NPM names no anvil")
        return SKIPPED
    print(f"seed {SEED}; replay: CROSSCLEAR_SEED={SEED} {sys.argv[0]}", flush=True)
    with tempfile.TemporaryDirectory(prefix="crossclear-") as folder:
        site = Site(tempfile.mkdtemp(dir=folder))
        try:
            check(site, folder, random.Random(SEED))
        finally:
            site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
