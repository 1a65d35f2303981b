"""Starts the real program and speaks to it as an independent client (python3-websockets)."""

import asyncio
import hashlib
import hmac
import json
import os
import random
import re
import secrets
import signal
import subprocess
import threading
import time

import websockets

BINARY = os.environ["CROSSCLEAR_BINARY"]
MASTER = "demo-master-not-a-secret-1"


class Demo:
    """One run of `crossclear demo` on a data directory."""

    def __init__(self, data, *options):
        self.process = subprocess.Popen(
            [BINARY, "demo", "--data", data, "--port", "0", "--ops-port", "0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []
        self._port = None
        self._trading = threading.Event()
        self._seen = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._seen:
                self.lines.append(line.rstrip())
                found = re.search(r"ws://127\.0\.0\.1:(\d+)/", line)
                if found:
                    self._port = int(found.group(1))
                if line.startswith("Trading."):
                    self._trading.set()
                self._seen.notify_all()
        with self._seen:
            self._seen.notify_all()

    def wait_until_trading(self, seconds=120):
        if not self._trading.wait(seconds):
            raise AssertionError("the demo did not start to trade:\n" + "\n".join(self.lines))
        return self._port

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def finish(self, seconds=240):
        """Ends it in order; returns its status and its last line on standard output."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode, out.strip().splitlines()[-1] if out.strip() else ""


def uuid7():
    at = int(time.time() * 1000)
    value = (at << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Client:
    """A JSON-RPC client for one account's demo key."""

    def __init__(self, socket):
        self.socket = socket
        self.number = 0

    @classmethod
    async def open(cls, port, account):
        socket = await websockets.connect(f"ws://127.0.0.1:{port}/ws/v1", compression=None)
        client = cls(socket)
        key = f"demo:{account}"
        secret = hmac.new(MASTER.encode(), key.encode(), hashlib.sha256).hexdigest()
        at, nonce = int(time.time() * 1_000_000), secrets.token_hex(12)
        signature = hmac.new(secret.encode(), f"{at}\n{nonce}\n".encode(), hashlib.sha256)
        answer = await client.call("public/auth", grant_type="client_signature", key_id=key,
                                   timestamp=at, nonce=nonce, data="",
                                   signature=signature.hexdigest())
        assert "result" in answer, answer
        return client

    async def call(self, method, **params):
        self.number += 1
        number = self.number
        await self.socket.send(json.dumps(
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(await self.socket.recv())
            if answer.get("id") == number:
                return answer


def run(*arguments):
    """Runs the program to its end; returns status and standard output."""
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr
