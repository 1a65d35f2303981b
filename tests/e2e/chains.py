"""What tests on real chains share: the chains, and wires to them that fail."""

import asyncio
import collections
import json
import os
import pathlib
import random
import socket
import subprocess
import threading
import urllib.request

import websockets

from service import BINARY, SOURCE

SKIPPED = 77
ETHER = 10 ** 18


class Site:
    """The chains; they end with this process. `words` are for site.mjs."""

    def __init__(self, folder, *words):
        self.process = subprocess.Popen(
            ["node", os.path.join(SOURCE, "deploy/chain/site.mjs"), "--out", folder,
             "--cache", os.path.join(os.path.dirname(BINARY), "artifacts"), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            print(f"  {line}", end="")
            if line.startswith("ready "):
                self.file = line.split(" ", 1)[1].strip()
                break
        else:
            raise AssertionError("the chains did not start")
        self.chains = json.loads(pathlib.Path(self.file).read_text())["chains"]

    def chain(self, shard):
        return next(one for one in self.chains if one["shard"] == shard)

    def replace_blocks(self, shard, count=1):
        """The last ones; at most as many as a block has above it when it becomes final."""
        self.process.stdin.write(f"replace {shard} {count}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer == f"replaced {shard} {count}\n", answer

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def ask(url, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    asked = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        said = json.loads(answer.read())
    assert "error" not in said, (method, said)
    return said["result"]


class Cutter:
    """A wire to a chain's node that can be cut."""

    def __init__(self, chain):
        self.node = int(chain["url"].rsplit(":", 1)[1])
        self.is_cut = False
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        where = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.addresses = {"url": f"http://{where}", "websocket": f"ws://{where}"}
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            if self.is_cut:
                client.close()
                continue
            node = socket.create_connection(("127.0.0.1", self.node))
            self.pairs.append((client, node))
            if self.is_cut:     # Meanwhile.
                client.close()
                node.close()
                continue
            for one, other in ((client, node), (node, client)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    @staticmethod
    def carry(one, other):
        try:
            while data := one.recv(65_536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.is_cut = True
        for pair in self.pairs:
            for end in pair:
                end.close()
        self.pairs = []

    def mend(self):
        self.is_cut = False


class Dropper:
    """A wire to a chain's node that loses transactions: of SHARE of all that are sent, one half
    never gets to the node, and of the other half nobody hears what it says to them.

    The service alone is behind it: it has a WebSocket, whoever else is on the chain asks by HTTP.
    """

    SHARE = 0.3
    SEND = "eth_sendRawTransaction"
    BEFORE, BEHIND = "before the node", "behind the node"

    def __init__(self, chain, seed):
        self.node = chain["websocket"]
        self.rng = random.Random(seed)
        self.sends = 0
        self.drops = collections.Counter()      # by place; what `at` loses does not count
        self.seen = set()       # Transactions, as they were sent.
        self.place, self.act = None, nothing
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        port = asyncio.run_coroutine_threadsafe(self.listen(), self.loop).result(10)
        self.addresses = {"websocket": f"ws://127.0.0.1:{port}"}

    def at(self, place, act):
        """Does something when the next transaction that was not sent before is BEFORE the node, or
        when the node's answer to it comes from BEHIND; the message is lost. None: it does not."""
        async def change():
            self.place, self.act = place, act
        asyncio.run_coroutine_threadsafe(change(), self.loop).result(10)

    async def listen(self):
        server = await websockets.serve(self.serve, "127.0.0.1", 0, **self.plain())
        return server.sockets[0].getsockname()[1]

    @staticmethod
    def plain():
        return {"compression": None, "max_size": None, "max_queue": None, "ping_interval": None}

    async def serve(self, client):
        unheard = {}        # What is done when the answer to a request comes, by the request's id.
        async with websockets.connect(self.node, **self.plain()) as node:
            ways = [asyncio.ensure_future(self.carry(client, node, self.asked, unheard)),
                    asyncio.ensure_future(self.carry(node, client, self.answered, unheard))]
            ended, others = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in others:
                way.cancel()
            for way in ended:
                way.result()

    @staticmethod
    async def carry(one, other, part, unheard):
        try:
            async for text in one:
                kept = part(text, unheard)
                if kept is not None:
                    await other.send(kept)
        except websockets.ConnectionClosed:
            pass

    def asked(self, text, unheard):
        """What of a message of the client's gets to the node."""
        if self.SEND not in text:
            return text
        return part_of(text, lambda one: self.is_let_up(one, unheard))

    @staticmethod
    def answered(text, unheard):
        """What of a message of the node's gets to the client."""
        def is_let_down(one):
            act = unheard.pop(one.get("id"), None)
            if act is not None:
                act()
            return act is None
        return part_of(text, is_let_down) if unheard else text

    def is_let_up(self, one, unheard):
        if one["method"] != self.SEND:
            return True
        self.sends += 1
        is_first = one["params"][0] not in self.seen
        self.seen.add(one["params"][0])
        if is_first and self.place is not None:
            place, act = self.place, self.act
            self.place = None
        else:
            place, act = self.lot(), nothing
            self.drops.update([place] if place else [])
        if place == self.BEFORE:
            act()
            return False
        if place == self.BEHIND:
            unheard[one["id"]] = act
        return True

    def lot(self):
        """Where a transaction is lost."""
        where = self.rng.random() / self.SHARE
        return None if where >= 1 else self.BEFORE if where < 0.5 else self.BEHIND


def nothing():
    """What is done where a message is lost and nobody waits for that."""


def part_of(text, is_kept):
    """A message of JSON-RPC with some of its requests or answers, or None without any."""
    said = json.loads(text)
    all_of = said if isinstance(said, list) else [said]
    kept = [one for one in all_of if is_kept(one)]
    if len(kept) == len(all_of):
        return text
    return json.dumps(kept) if kept else None


def behind(site, folder, wires):
    """The same site with some chains behind wires, by their shards."""
    chains = [{**chain, **(wires[chain["shard"]].addresses if chain["shard"] in wires else {})}
              for chain in site.chains]
    path = os.path.join(folder, "behind.json")
    pathlib.Path(path).write_text(json.dumps({"chains": chains}))
    return path


def figures(port):
    """What /metrics says: values by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0].removeprefix("crossclear_"): float(line.rsplit(" ", 1)[1])
            for line in lines if not line.startswith("#")}
