"""What tests on real chains share: the chains, a wire to one that can be cut, and clients there."""

import json
import os
import pathlib
import socket
import subprocess
import threading
import urllib.request

from service import BINARY, SOURCE

SKIPPED = 77
ETHER = 10 ** 18


class Site:
    """The chains; they end with this process."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            ["node", os.path.join(SOURCE, "deploy/chain/site.mjs"), "--out", folder,
             "--cache", os.path.join(os.path.dirname(BINARY), "artifacts")],
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

    def replace_block(self, shard):
        """One: the second one below the head is final."""
        self.process.stdin.write(f"replace {shard} 1\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer == f"replaced {shard} 1\n", answer

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
    """A wire to a node that can be cut."""

    def __init__(self, port):
        self.node = port
        self.is_cut = False
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
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


def behind(site, folder, shard, cutter):
    """The same site with one chain behind a wire that can be cut."""
    chains = json.loads(json.dumps(site.chains))
    for chain in chains:
        if chain["shard"] == shard:
            chain["url"] = f"http://127.0.0.1:{cutter.port}"
            chain["websocket"] = f"ws://127.0.0.1:{cutter.port}"
    path = os.path.join(folder, "behind.json")
    pathlib.Path(path).write_text(json.dumps({"chains": chains}))
    return path
