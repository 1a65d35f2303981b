#!/usr/bin/env python3
"""Goal: the README's tour is true. Three nodes and three Redis; any of them may be killed.

`crossclear demo --nodes 3 --redis 3` trades. A node is killed with SIGKILL: the others own its
partitions and answers go on. A Redis is killed: no command fails. SIGUSR1 starts both again: the
Redis is brought up to date and the node is given a share. At the end everything is settled and the
audit holds. Then the demo itself is killed: nothing of it is left but what the next start adopts.
"""

import json
import os
import re
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from service import Demo, wait_until  # noqa: E402

PARTITIONS = 8


def processes(demo):
    """The process of every part by name, as the demo says."""
    found = {}
    for line in list(demo.lines):
        part = re.match(r"([a-z0-9-]+): process (\d+)", line)
        if part:
            found[part.group(1)] = int(part.group(2))
    return found


def is_alive(process):
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def latest(demo):
    """The latest line of figures, as what it says of each part, and how many were answered."""
    for line in reversed(list(demo.lines)):
        answered = re.search(r"(\d+) answered", line)
        if answered:
            parts = dict(re.findall(r"((?:node|redis)-\d) (DOWN|silent|ok|joining|owns \d+"
                                    r"|behind in \d+)", line))
            return int(answered.group(1)), parts
    return 0, {}


def owned(parts):
    return {name: int(says.split()[1]) for name, says in parts.items() if says.startswith("owns")}


def wait_for_answers(demo, more):
    goal = latest(demo)[0] + more
    wait_until(lambda: latest(demo)[0] >= goal or demo.process.poll() is not None,
               f"{more} more answers", 60)
    assert demo.process.poll() is None, demo.lines[-20:]


def tour(data):
    demo = Demo(data, "--nodes", "3", "--redis", "3", "--accounts", "60", "--rate", "100", "--json")
    try:
        demo.wait_until_trading()
        parts = processes(demo)
        assert sorted(parts) == ["node-1", "node-2", "node-3", "redis-1", "redis-2", "redis-3",
                                 "world"], parts
        wait_for_answers(demo, 100)

        begun = time.monotonic()
        os.kill(parts["node-3"], signal.SIGKILL)
        wait_until(lambda: latest(demo)[1].get("node-3") == "DOWN" and
                   sum(owned(latest(demo)[1]).values()) == PARTITIONS, "the others to take over")
        print(f"taken over, as the demo's line of each second says, within "
              f"{time.monotonic() - begun:.1f} s", flush=True)
        wait_for_answers(demo, 200)

        os.kill(parts["redis-3"], signal.SIGKILL)
        wait_until(lambda: latest(demo)[1].get("redis-3") == "DOWN", "the Redis to be missed")
        wait_for_answers(demo, 200)
        # Nobody starts what the user has killed.
        assert latest(demo)[1]["node-3"] == "DOWN" and latest(demo)[1]["redis-3"] == "DOWN"

        os.kill(demo.process.pid, signal.SIGUSR1)
        wait_until(lambda: latest(demo)[1].get("redis-3") == "ok" and
                   owned(latest(demo)[1]).get("node-3", 0) >= 2, "both to be back", 60)
        wait_for_answers(demo, 200)

        status, line = demo.finish()
        said = json.loads(line)
        assert status == 0 and said["audit"] == "ok" and said["breaks"] == 0, (status, said)
        assert said["nodes"] == said["nodes_up"] == 3, said
        assert said["redis"] == said["redis_up"] == 3, said
        assert said["cleared"] + sum(said["refused"].values()) == said["trades"], said
        assert sum(said["settlements"].values()) == said["cleared"], said
        doubts = {"journal_unavailable", "outcome_unknown", "not_owner", "draining",
                  "connection_lost"}
        assert not doubts & set(said["refused"]), said
        wait_until(lambda: not any(is_alive(process) for process in parts.values()),
                   "every part to have ended")
        return said
    except BaseException:
        print(*demo.lines[-60:], sep="\n", file=sys.stderr)
        raise
    finally:
        demo.kill()


def killed_itself(data):
    """Whatever ends the demo, the next start finds nothing in its way."""
    demo = Demo(data, "--nodes", "3", "--accounts", "60", "--rate", "100")
    try:
        demo.wait_until_trading()
        parts = processes(demo)
        wait_for_answers(demo, 50)
        demo.kill()
        left = [name for name in parts if not name.startswith("redis")]
        wait_until(lambda: not any(is_alive(parts[name]) for name in left),
                   "nodes and world to have ended", 10)
        again = Demo(data, "--nodes", "2", "--accounts", "60", "--trades", "200", "--json")
        try:
            status, line = again.wait()
            assert status == 0, (status, line, again.lines[-30:])
            said = json.loads(line)
            assert said["audit"] == "ok" and said["nodes"] == 2 and said["redis"] == 3, said
        finally:
            again.kill()
    finally:
        demo.kill()


def children(parent):
    """The processes that a process has started and that live, by number, as the kernel says."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii") as file:
                state, of = file.read().rsplit(")", 1)[1].split()[:2]
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of) == parent and state != "Z":
            found[int(entry)] = words
    return found


def kinds(started):
    """How many redis-servers, worlds and nodes."""
    return (sum("redis-server" in words[0] for words in started.values()),
            sum("world" in words[1:2] for words in started.values()),
            sum("serve" in words[1:2] for words in started.values()))


def stopped_while_starting(data, until):
    """Ctrl-C at any moment of a start ends every part of it."""
    demo = Demo(data, "--nodes", "3", "--redis", "3", "--accounts", "60", "--rate", "100")
    seen = {}
    try:
        def is_reached():
            seen.update(children(demo.process.pid))
            return until(kinds(seen)) or demo.process.poll() is not None

        wait_until(is_reached, "the start to come so far")
        assert demo.process.poll() is None, list(demo.lines)[-20:]
        begun = time.monotonic()
        demo.process.send_signal(signal.SIGINT)
        while demo.process.poll() is None:
            seen.update(children(demo.process.pid))
            assert time.monotonic() - begun < 60, "the demo does not end"
            time.sleep(0.01)
        took = time.monotonic() - begun
        assert demo.process.returncode == 130, (demo.process.returncode, list(demo.lines)[-20:])
        wait_until(lambda: any("Stopped while it was starting" in line for line in demo.lines),
                   "it to be said", 5)
        left = {process: words for process, words in seen.items() if is_alive(process)}
        assert not left, left
        return kinds(seen), took
    finally:
        demo.kill()
        for process in seen:
            if is_alive(process):
                os.kill(process, signal.SIGKILL)


def main():
    moments = {"a Redis": lambda started: started[0] > 0,
               "the world": lambda started: started[1] > 0,
               "a node": lambda started: started[2] > 0,
               "all nodes": lambda started: started[2] > 2}
    for name, until in moments.items():
        with tempfile.TemporaryDirectory(prefix="crossclear-tour-") as data:
            started, took = stopped_while_starting(data, until)
            print(f"stopped at {name}: {started} had been started, {took:.1f} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="crossclear-tour-") as data:
        said = tour(data)
        killed_itself(data)
        print(f"{said['trades']} trades, {said['repeated']} repeated under their ids, refused "
              f"{said['refused']}, p99 {said['p99_us']} us; the audit holds")


if __name__ == "__main__":
    main()
