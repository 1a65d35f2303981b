"""Redis instances, the outside world, nodes and clients as processes of their own, on this machine.

For what one process cannot measure about itself: owners and instances that are killed, memory of a
node alone, several nodes beside each other.
"""

import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request

from postgres_server import Failure

BUILD = pathlib.Path(os.environ.get("CROSSCLEAR_BUILD") or
                     pathlib.Path(__file__).resolve().parent.parent / "build/release")
PARTITIONS = 8


def build_of(name):
    """The path of one of our programs."""
    path = BUILD / name
    if not path.exists():
        raise Failure(f"{name} is not built", f"there is no {path}",
                      "./dev bench builds it; or name another build in CROSSCLEAR_BUILD")
    return str(path)


def wait_until(is_so, what, seconds, tell=lambda: ""):
    """For what can only be asked for: another process' state. Returns what `is_so` returned; what
    `tell` returns is told if it does not come."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_so()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise Failure(what, f"it did not come within {seconds} s{tell()}",
                          "look for what else keeps the machine busy, then again")
        time.sleep(0.02)


class Redis:
    """A redis-server on a unix socket, as the journal wants it. It stays dead once killed."""

    def __init__(self, directory):
        self.directory = directory
        self.socket = str(directory / "redis.sock")
        directory.mkdir(parents=True)
        program = shutil.which("redis-server")
        if program is None:
            raise Failure("redis-server", "it is not installed", "apt-get install redis-server")
        with open(directory / "redis.log", "wb") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [program, "--port", "0", "--unixsocket", self.socket, "--dir", str(directory),
                 "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                 "--daemonize", "no"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: self.ask("PING") == "PONG", "redis-server", 30)

    def ask(self, *words):
        """What redis-cli says to a command."""
        done = subprocess.run(["redis-cli", "-s", self.socket, *words], capture_output=True,
                              text=True, timeout=30, check=False)
        return done.stdout.strip()

    def memory(self):
        """What it holds, in bytes."""
        for line in self.ask("INFO", "memory").splitlines():
            if line.startswith("used_memory:"):
                return int(line.split(":")[1])
        return 0

    def leases(self):
        """Partition -> (which node holds it, until when on the monotonic clock)."""
        words = self.ask("HGETALL", "crossclear:directory").splitlines()
        offset = time.monotonic() - time.time()
        leases = {}
        for field, value in zip(words[::2], words[1::2]):
            if field.startswith("p:"):
                name, _, end = value.split("|")
                leases[int(field[2:])] = (name, int(end) / 1000 + offset)
        return leases

    def stop(self):
        """Ends it, in order if it still can be."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(60)


class Program:
    """One of our programs that runs on; its log is read as it is written, and kept in a file."""

    def __init__(self, log, *command):
        self.log = log
        self.lines = []
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with open(self.log, "a", encoding="utf-8", buffering=1) as log:
            for line in self.process.stderr:
                log.write(line)
                with self._changed:
                    self.lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, sentence, seconds=120):
        """Waits for a line of the log and returns its fields."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [line for line in self.lines if f'"{sentence}"' in line]
                if found:
                    return json.loads(found[0])
                left = deadline - time.monotonic()
                is_over = self.process.poll() is not None and not self._reader.is_alive()
                if left <= 0 or is_over:
                    raise Failure(f"a process that was to say: {sentence}",
                                  "".join(self.lines[-5:]).strip() or "it said nothing",
                                  "its arguments: " + " ".join(self.process.args))
                self._changed.wait(min(left, 0.5))

    def kill(self):
        """Ends it at once, as a crash would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it in order."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()


class Node(Program):
    """One run of `crossclear serve`."""

    def __init__(self, config):
        super().__init__(config.with_suffix(".log"), build_of("crossclear"), "serve", "--config",
                         str(config))
        fields = self.wait_for("The service is up.")
        self.port, self.ops_port = int(fields["port"]), int(fields["ops_port"])

    def get(self, path):
        """Status and body of the ops port's answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ops_port}{path}",
                                        timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def owned(self):
        """How many partitions run there."""
        _, body = self.get("/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.splitlines()
                   if line.startswith("crossclear_partitions_owned"))

    def tail(self):
        """Events that the start of a partition would fold, the most of any."""
        _, body = self.get("/metrics")
        return max((float(line.rsplit(" ", 1)[1]) for line in body.splitlines()
                    if line.startswith("crossclear_journal_tail_events")), default=0)

    def memory(self):
        """Bytes it holds now, and the most that it ever held."""
        figures = {}
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(("VmRSS:", "VmHWM:")):
                    name, kib = line.split()[:2]
                    figures[name] = int(kib) * 1024
        return figures["VmRSS:"], figures["VmHWM:"]


class Cluster:
    """A store with accounts that are known, the world, and as many nodes as are wanted."""

    def __init__(self, directory, accounts, active, names=("a", "b", "c")):
        self.directory = directory
        self.names = names
        self.redis = Redis(directory / "redis")
        self.world = None
        self.nodes = {}
        self.made = run("crowd_bench", "--data", str(directory), "--redis", self.redis.socket,
                        "--accounts", str(accounts), "--active", str(active),
                        "--nodes", ",".join(names))
        self.active = active

    def config(self, name="alone"):
        """The configuration of a node."""
        return self.directory / f"{name}.yaml"

    def start(self, *names):
        """Starts the world, and nodes until each has its share."""
        if self.world is None:
            self.start_world()
        for name in names:
            self.nodes[name] = Node(self.config(name))
        self.wait_for_shares()
        return self

    def start_world(self):
        """Starts the shards."""
        self.world = Program(self.directory / "world.log", build_of("crossclear"), "world",
                             "--config", str(self.config()))
        self.world.wait_for("The world is up.")

    def start_alone(self):
        """Starts the world, and one node that takes part in no cluster."""
        self.start_world()
        self.nodes["alone"] = Node(self.config())
        self.wait_for_shares()

    def wait_for_shares(self):
        """Until partitions are dealt out evenly, and every node is ready."""
        def is_dealt():
            owned = [node.owned() for node in self.nodes.values()]
            return (sum(owned) == PARTITIONS and max(owned) - min(owned) <= 1 and
                    all(node.get("/readyz")[0] == 200 for node in self.nodes.values()))
        def tell():
            return "".join(f"\n{name} owns {node.owned():.0f}; /readyz: {node.get('/readyz')[1]}"
                           for name, node in self.nodes.items()) + \
                f"\nleases: {self.redis.leases()}"
        wait_until(is_dealt, f"{PARTITIONS} partitions on {', '.join(self.nodes)}", 120, tell)

    def clients(self, *arguments, timeout=300):
        """Runs clients of all nodes to their end and returns their figures."""
        return run("clients_bench", *self.of_clients(self.nodes.values()), *arguments,
                   timeout=timeout)

    def of_clients(self, nodes):
        """What tells clients where to go and for whom."""
        ports = [word for node in nodes for word in ("--port", str(node.port))]
        return ["--config", str(self.config()), "--accounts", str(self.active), *ports]

    def stop_nodes(self):
        """Ends the nodes and the world, the store stays."""
        for node in self.nodes.values():
            node.stop()
        self.nodes.clear()
        if self.world is not None:
            self.world.stop()
            self.world = None

    def close(self):
        """Ends everything."""
        self.stop_nodes()
        self.redis.stop()


class Watch:
    """Clients that trade in every partition at a pace, and tell of answers that were late."""

    def __init__(self, cluster, node, rate):
        self.slow = []
        self.figures = None
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [build_of("clients_bench"), "--mode", "watch", "--rate", str(rate),
             *cluster.of_clients([node])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "{}":
            raise Failure("the clients", self.process.stderr.read().strip(), "see above")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            found = json.loads(line)
            if "partition" in found:
                self.slow.append(found)
            else:
                self.figures = found

    def first_answers(self, since):
        """Partition -> when it first answered a request that was sent after `since`, if late."""
        first = {}
        for line in list(self.slow):
            if line["sent_us"] >= since * 1e6 and line["is_result"]:
                at = line["at_us"] / 1e6
                first[line["partition"]] = min(at, first.get(line["partition"], at))
        return first

    def stop(self):
        """Ends it and returns what came of all requests."""
        if self.process.poll() is None:
            self.process.stdin.close()
        self.process.wait(60)
        self._reader.join(10)
        return self.figures or {}


def run(name, *arguments, timeout=600):
    """Runs one of our programs to its end and returns the JSON it closes with."""
    try:
        done = subprocess.run([build_of(name), *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(name, f"it did not end within {timeout} s",
                      "look for what else keeps the machine busy, then again") from None
    if done.returncode != 0:
        raise Failure(f"{name} (exit status {done.returncode})", done.stderr.strip(),
                      f"by itself, with --help: {BUILD / name}")
    return json.loads(done.stdout.strip().splitlines()[-1])
