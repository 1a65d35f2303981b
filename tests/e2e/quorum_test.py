#!/usr/bin/env python3
"""Goal: three independent redis-servers keep the journal, and any one may die at any moment.

A demo trades on three of them while each is killed in turn and then emptied in turn, and nothing is
refused for it; whoever comes back is given what it missed and counts again. The control: without a
majority nothing is answered.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
from service import Demo, run  # noqa: E402

DIRECTORIES = ("redis", "redis-2", "redis-3")


def figures(ops_port, name):
    """The values of one family, by endpoint's directory."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ops_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = {}
    for line in lines:
        if line.startswith(f"crossclear_{name}{{"):
            where = next(d for d in DIRECTORIES if f"/{d}/redis.sock" in line)
            found[where] = float(line.rsplit(" ", 1)[1])
    return found


def cleared(ops_port):
    with urllib.request.urlopen(f"http://127.0.0.1:{ops_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith("crossclear_trades_total{") and 'outcome="cleared"' in line)


def wait_until(what, claim, seconds=60):
    """Asks again and again: /metrics announces nothing."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, f"waited {seconds} s for: {what}"
        threading.Event().wait(0.05)


def process_of(data, directory):
    """The redis-server's process; nothing while it is being started."""
    try:
        return int(pathlib.Path(data, directory, "redis.run").read_text().split()[0])
    except FileNotFoundError:
        return None


def redis_cli(data, directory, *words):
    socket = os.path.join(data, directory, "redis.sock")
    done = subprocess.run(["redis-cli", "-s", socket, *words], check=True, capture_output=True,
                          text=True)
    return done.stdout.strip()


def mark_of(data, directory, field):
    return redis_cli(data, directory, "HGET", "crossclear:mark", field)


def is_whole(ops_port):
    votes = figures(ops_port, "redis_votes")
    behind = figures(ops_port, "redis_partitions_behind")
    return all(votes.get(d) == 1 and behind.get(d) == 0 for d in DIRECTORIES)


def each_dies_in_turn(demo, data):
    ops = demo.ops_port
    for directory in DIRECTORIES:
        before = cleared(ops)
        killed = process_of(data, directory)
        os.kill(killed, signal.SIGKILL)
        wait_until(f"{directory} to be started again",
                   lambda: process_of(data, directory) not in (None, killed))
        wait_until("trades in the meantime", lambda: cleared(ops) > before + 200)
        wait_until("all three to be whole again", lambda: is_whole(ops))
    for directory in DIRECTORIES:
        before = cleared(ops)
        known_as = mark_of(data, directory, "instance")
        # What it held is gone, its promises with it: it joins as another one.
        redis_cli(data, directory, "FLUSHALL")
        wait_until(f"{directory} to join", lambda: mark_of(data, directory, "instance") not in (
            "", known_as))
        wait_until(f"{directory} to vote",
                   lambda: not mark_of(data, directory, "id").startswith("joining"))
        wait_until("trades in the meantime", lambda: cleared(ops) > before + 200)
        wait_until("all three to be whole again", lambda: is_whole(ops))


def main():
    with tempfile.TemporaryDirectory(prefix="crossclear-quorum-") as data:
        demo = Demo(data, "--redis", "3", "--accounts", "40", "--rate", "800", "--json")
        try:
            demo.wait_until_trading()
            wait_until("all three to be whole", lambda: is_whole(demo.ops_port))
            each_dies_in_turn(demo, data)
            status, text = demo.finish()
            assert status == 0, (status, text, demo.lines[-20:])
        finally:
            demo.drop()
        line = json.loads(text)
        assert line["cleared"] > 0 and line["audit"] == "ok" and line["breaks"] == 0, line
        assert "journal_unavailable" not in line["refused"], line
        status, out = run("audit", "--data", data)
        assert status == 0 and "audit ok" in out, out
        # Any two of the three tell the same books.
        for directory in DIRECTORIES:
            hidden = os.path.join(data, "hidden")
            shutil.move(os.path.join(data, directory), hidden)
            os.mkdir(os.path.join(data, directory))
            status, out = run("audit", "--data", data)
            assert status == 0 and "audit ok" in out, (directory, out)
            shutil.rmtree(os.path.join(data, directory))
            shutil.move(hidden, os.path.join(data, directory))
        # The control: one of three is no majority.
        for directory in DIRECTORIES[1:]:
            shutil.rmtree(os.path.join(data, directory, "appendonlydir"))
        status, out = run("audit", "--data", data)
        assert status != 0, out
    print(f"three redis-servers, each killed and emptied once: {line['cleared']} trades, none lost")


if __name__ == "__main__":
    main()
