"""Starts the real program and speaks to it as an independent client (python3-websockets)."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import websockets
import yaml

BINARY = os.environ["CROSSCLEAR_BINARY"]
SOURCE = os.environ["CROSSCLEAR_SOURCE"]
MASTER = "demo-master-not-a-secret-1"


class Program:
    """One run of the program; its log is read as it is written.

    `how` is for the process: what stands before its name, which program, its environment.
    """

    def __init__(self, *arguments, prefix=(), binary=BINARY, stdout=subprocess.DEVNULL, **how):
        self.process = subprocess.Popen([*prefix, binary, *arguments], stdout=stdout,
                                        stderr=subprocess.PIPE, text=True, **how)
        self.lines = []
        self._has_ended = False  # No line can follow.
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line.rstrip())
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def see_line(self, part, seconds):
        """The first line that holds `part`, or one of them; None if it or the time ends first."""
        parts = (part,) if isinstance(part, str) else part

        def found():
            return next((line for line in self.lines if any(p in line for p in parts)), None)
        with self._changed:
            self._changed.wait_for(lambda: found() or self._has_ended, seconds)
            return found()

    def wait_for_line(self, part, seconds=60):
        """Waits for a line of the log that holds `part`; fails early if the program ends first."""
        line = self.see_line(part, seconds)
        if line is None:
            raise AssertionError(f"no line with {part!r}:\n" + "\n".join(self.lines[-30:]))
        return line

    def wait_for_end(self, seconds):
        """Waits for its last line; returns whether it came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._has_ended, seconds)

    def count_lines(self, part):
        with self._changed:
            return sum(part in line for line in self.lines)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def finish(self, seconds=60):
        self.process.terminate()
        return self.process.wait(timeout=seconds)


class Demo(Program):
    """One run of `crossclear demo` on a data directory."""

    def __init__(self, data, *options):
        super().__init__("demo", "--data", data, "--port", "0", "--ops-port", "0", *options,
                         stdout=subprocess.PIPE)
        self.data = data

    def drop(self):
        """Ends it at once, and the redis-servers that would outlive it for its next start."""
        self.kill()
        for recorded in pathlib.Path(self.data).glob("**/redis.run"):
            number = int(recorded.read_text(encoding="ascii").split()[0])
            try:
                # Numbers are used again: only one that works in this directory is meant.
                if os.readlink(f"/proc/{number}/cwd").startswith(os.path.realpath(self.data)):
                    os.kill(number, signal.SIGKILL)
            except OSError:
                continue  # It has ended.

    def _port(self, start):
        line = self.wait_for_line(start)
        return int(re.search(re.escape(start) + r"(\d+)/", line).group(1))

    @property
    def port(self):
        return self._port("ws://127.0.0.1:")

    @property
    def ops_port(self):
        return self._port("http://127.0.0.1:")

    def wait_until_trading(self, seconds=120):
        self.wait_for_line("Trading.", seconds)
        return self.port

    def finish(self, seconds=240):
        """Ends it in order; returns its status and its last line on standard output."""
        self.process.send_signal(signal.SIGINT)
        return self.wait(seconds)

    def wait(self, seconds=240):
        """Waits for its own end; returns the same."""
        out = self.process.stdout.read()
        self.process.wait(timeout=seconds)
        return self.process.returncode, out.strip().splitlines()[-1] if out.strip() else ""


class Redis:
    """A redis-server of the test's own, on a unix socket, set up as the journal wants it."""

    def __init__(self, directory, *options, prefix=(), **how):
        self.directory = directory
        self.socket = os.path.join(directory, "own.sock")
        self.options = options
        self.prefix, self.how = prefix, how
        self.process = None

    def start(self):
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: apt-get install redis-server"
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, "own.log"), "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, program, "--port", "0", "--unixsocket", self.socket, "--dir",
                 self.directory, "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                 "--daemonize", "no", *self.options],
                stdout=log, stderr=subprocess.STDOUT, **self.how)
        wait_until(lambda: self.try_command("PING") == "PONG", "redis-server to answer")
        return self

    def try_command(self, *words):
        done = subprocess.run(["redis-cli", "-s", self.socket, *words], capture_output=True,
                              text=True, timeout=30)
        return done.stdout.strip()

    def command(self, *words):
        said = self.try_command(*words)
        assert said == "OK" or not said.startswith(("ERR", "NOAUTH")), (words, said)
        return said

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()


class World(Program):
    """One run of `crossclear world`."""

    def __init__(self, config, **how):
        super().__init__("world", "--config", config, **how)

    def wait_until_up(self, seconds=60):
        self.wait_for_line('"The world is up."', seconds)
        return self


class Service(Program):
    """One run of `crossclear serve`."""

    def __init__(self, config, *options, host="127.0.0.1", **how):
        super().__init__("serve", "--config", config, *options, **how)
        self.host = host
        self.port = None
        self.ops_port = None

    def wait_until_up(self, seconds=60):
        fields = json.loads(self.wait_for_line('"The service is up."', seconds))
        self.port, self.ops_port = int(fields["port"]), int(fields["ops_port"])
        return self

    def get(self, path):
        """Status and body of the ops port's answer."""
        try:
            where = f"http://{self.host}:{self.ops_port}{path}"
            with urllib.request.urlopen(where, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def why_not(self):
        status, body = self.get("/readyz?verbose")
        found = json.loads(body)
        assert (status == 200) == found["is_ready"], (status, body)
        return found["why_not"]


def write_config(path, **changes):
    """The example's world with other top-level members; its api takes any ports."""
    with open(os.path.join(SOURCE, "deploy/config/example.yaml"), encoding="utf-8") as file:
        config = yaml.safe_load(file)
    config["api"].update(port=0, ops_port=0)
    for name, value in changes.items():
        config[name] = {**config[name], **value} if name == "api" else value
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    return path


@contextlib.contextmanager
def two_programs():
    """A world in a process of its own and the service on it, to be configured and started: with a
    journal and a directory. What fails shows their last lines; neither outlives the block."""
    with tempfile.TemporaryDirectory(prefix="crossclear-") as data:
        both = TwoPrograms(data, Redis(os.path.join(data, "redis")).start())
        try:
            yield both
        except BaseException:
            for program in both.programs():
                print("\n".join(program.lines[-40:]), file=sys.stderr)
            raise
        finally:
            for program in both.programs():
                program.kill()
            both.redis.kill()


class TwoPrograms:
    def __init__(self, data, redis):
        self.data, self.redis = data, redis
        self.config = self.world = self.service = None

    def programs(self):
        return [program for program in (self.world, self.service) if program is not None]

    def configure(self, **changes):
        self.config = write_config(
            os.path.join(self.data, "service.yaml"), data_dir=os.path.join(self.data, "home"),
            journal={"mode": "single", "endpoint": {"unix": self.redis.socket}},
            world={"mode": "remote", "endpoint": os.path.join(self.data, "world.sock")}, **changes)

    def start_world(self):
        self.world = World(self.config).wait_until_up()

    def start_service(self, *options):
        self.service = Service(self.config, *options).wait_until_up()
        wait_until(lambda: not self.service.why_not(), "the service to be ready")

    def finish(self):
        for program in (self.service, self.world):
            assert program.finish() == 0, program.lines[-20:]


def wait_until(is_so, what, seconds=30):
    """For what can only be asked for: another process' state. Returns what `is_so` returned."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_so()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"gave up waiting for {what}")
        time.sleep(0.02)


def uuid7():
    at = int(time.time() * 1000)
    value = (at << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Client:
    """A JSON-RPC client for one account's demo key, or for a key of its own."""

    def __init__(self, socket):
        self.socket = socket
        self.number = 0
        self.sent = []      # Every frame, as it was sent.
        self.received = []  # Every frame, as it came.

    @classmethod
    async def connect(cls, port, host="127.0.0.1"):
        return cls(await websockets.connect(f"ws://{host}:{port}/ws/v1", compression=None))

    @classmethod
    async def open(cls, port, account, host="127.0.0.1"):
        client = await cls.connect(port, host)
        key = f"demo:{account}"
        secret = hmac.new(MASTER.encode(), key.encode(), hashlib.sha256).hexdigest()
        answer = await client.log_in(key, secret)
        assert "result" in answer, answer
        return client

    async def log_in(self, key, secret):
        at, nonce = int(time.time() * 1_000_000), secrets.token_hex(12)
        signature = hmac.new(secret.encode(), f"{at}\n{nonce}\n".encode(), hashlib.sha256)
        return await self.call("public/auth", grant_type="client_signature", key_id=key,
                               timestamp=at, nonce=nonce, data="",
                               signature=signature.hexdigest())

    async def send(self, text):
        self.sent.append(text)
        await self.socket.send(text)

    async def receive(self):
        text = await self.socket.recv()
        self.received.append(text)
        return json.loads(text)

    async def call(self, method, **params):
        self.number += 1
        number = self.number
        await self.send(json.dumps(
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while True:
            answer = await self.receive()
            if isinstance(answer, dict) and answer.get("id") == number:
                return answer


def run(*arguments):
    """Runs the program to its end; returns status and standard output."""
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr
