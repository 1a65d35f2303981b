"""Wires between a cluster's nodes and what they speak to, on which a call can be held up."""

import collections
import http.client
import http.server
import json
import os
import socket
import threading

from chains import Cutter, ask

SIGN, SEND = "eth_signTransaction", "eth_sendRawTransaction"
WRITE = "an intent's record"
RAW = bytes.fromhex("02f9")     # How a transaction begins, long as those to a vault are.


class Held:
    """A call that waits on its wire."""

    def __init__(self, method):
        self.method = method
        self.node = None
        self.is_there, self.goes = threading.Event(), threading.Event()


class Wire(http.server.BaseHTTPRequestHandler):
    """One connection of one node; its path says whose it is, and to which chain."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream = None

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        _, node, place = self.path.split("/")
        said = json.loads(body)
        for call in said if isinstance(said, list) else [said]:
            self.server.wires.pass_by(node, call)
        try:
            status, answer = self.forward(self.server.wires.port_of(place, said), body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except OSError:     # Whoever asked, or the chain, has gone.
            self.close_connection = True

    def forward(self, port, body):
        if self.upstream is None or self.upstream.port != port:
            self.upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.upstream.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = self.upstream.getresponse()
        return answer.status, answer.read()


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A node that is killed resets its connections."""


class Wires:
    """What nodes say to chains, to a signer, which is the chain's own node, and to the journal."""

    def __init__(self, site, broker, nodes, folder, redis):
        self.ports = {one["shard"]: int(one["url"].rsplit(":", 1)[1]) for one in site.chains}
        self.ids = {int(ask(one["url"], "eth_chainId"), 16): one["shard"] for one in site.chains}
        self.keys = [(one["url"], one["deployment"]["vaults"][broker]["operator"])
                     for one in site.chains]
        self.vaults = [bytes_of(one["deployment"]["vaults"][broker]["address"])
                       for one in site.chains]
        self.sent = {node: [] for node in nodes}
        self.calls = {node: collections.Counter() for node in nodes}    # By method.
        self.held = None
        self.cut = {}       # What a node has held up on its way to the journal.
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), Wire)
        self.server.wires = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.folder, self.redis = folder, redis
        for node in nodes:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self.journal(node))
            listener.listen()
            threading.Thread(target=self.accept, args=(node, listener), daemon=True).start()

    def url(self, node, place):
        return f"http://127.0.0.1:{self.server.server_address[1]}/{node}/{place}"

    def journal(self, node):
        return os.path.join(self.folder, f"journal-of-{node}.sock")

    def port_of(self, place, said):
        return self.ports[self.ids[int(said["params"][0]["chainId"], 16)]
                          if place == "signer" else place]

    def pass_by(self, node, call):
        method = call["method"]
        with self.lock:
            self.calls[node][method] += 1
            if method == SEND:
                self.sent[node].append(call["params"][0])
        self.wait_if_held(node, method)

    def hold(self, method):
        """The next one, whoever says it."""
        with self.lock:
            self.held = Held(method)
            return self.held

    def wait_if_held(self, node, method):
        with self.lock:
            held = self.held
            if held is None or held.method != method:
                return
            self.held, held.node = None, node
            if method == WRITE:
                self.cut[node] = held
        held.is_there.set()
        held.goes.wait()

    def calls_of(self, node):
        with self.lock:
            return collections.Counter(self.calls[node])

    def count_nonces(self, tag):
        """How many of the broker's keys are spent up to a block."""
        return sum(int(ask(url, "eth_getTransactionCount", key, tag), 16)
                   for url, key in self.keys)

    def sent_only_by(self, node):
        """What no other node has sent."""
        with self.lock:
            others = {raw for other, sent in self.sent.items() if other != node for raw in sent}
            return set(self.sent[node]) - others

    def accept(self, node, listener):
        while True:
            client, _ = listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.redis.socket)
            for work, ends in ((self.carry, (node, client, server)),
                               (Cutter.carry, (server, client))):
                threading.Thread(target=work, args=ends, daemon=True).start()

    def carry(self, node, client, server):
        """To the journal. While a node has a record held up, so is all else that it says there."""
        try:
            while data := client.recv(1 << 20):
                if any(vault in data for vault in self.vaults) and RAW not in data:
                    self.wait_if_held(node, WRITE)
                if node in self.cut:
                    self.cut[node].goes.wait()
                server.sendall(data)
        except OSError:
            pass
        server.close()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def bytes_of(text):
    return bytes.fromhex(text.removeprefix("0x"))
