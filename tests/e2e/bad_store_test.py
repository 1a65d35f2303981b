#!/usr/bin/env python3
"""Goal: a store that is wrong is refused or stopped, by name, and what is right goes on.

On real Redis: another cluster's name, another number of partitions, a journal of a newer version,
each byte of a record flipped, and three Redis that all go away and come back. A damaged partition
is stopped and the others live; the reason stands in /readyz, the count in /metrics.
"""

import hashlib
import os
import re
import socket
import struct
import sys
import tempfile

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from service import Redis, Service, run, wait_until, write_config  # noqa: E402

CLUSTER = "demo"
DAMAGED = 3
PARTITIONS = 8


class Wire:
    """Redis' own protocol: what redis-cli cannot carry is any byte."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def call(self, *words):
        request = b"*%d\r\n" % len(words)
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            request += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(request)
        return self.answer()

    def answer(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise AssertionError(rest.decode())
        if kind == b"$":
            text = self.file.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
            return text
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest


class Log:
    """The last record of one partition, to be written again otherwise."""

    def __init__(self, redis, partition):
        self.wire = Wire(redis.socket)
        self.key = f"{{p{partition:02}}}:s"
        self.partition = partition
        *self.before, (self.id, fields) = self.wire.call("XRANGE", self.key, "-", "+")
        self.fields = dict(zip(fields[::2], fields[1::2]))
        previous = self.before[-1][1] if self.before else []
        previous = dict(zip(previous[::2], previous[1::2]))
        self.previous_head = previous.get(b"head", bytes(32))

    def replace(self, **changes):
        fields = {**self.fields, **{name.encode(): value for name, value in changes.items()}}
        # The whole stream: Redis 8 gives nobody the id of an entry that was deleted.
        self.wire.call("DEL", self.key)
        for entry, words in self.before:
            self.wire.call("XADD", self.key, entry, *words)
        self.wire.call("XADD", self.key, self.id, *[word for pair in fields.items()
                                                    for word in pair])

    def restore(self):
        self.replace()

    def head_of(self, frame):
        """The digest that docs/durability.md writes down."""
        number = struct.Struct(">Q").pack
        text = (number(len(CLUSTER)) + CLUSTER.encode() + number(self.partition) +
                number(int(self.fields[b"re"])) + number(int(self.fields[b"seq"])) +
                self.previous_head + frame)
        return hashlib.sha256(text).digest()


def refused(config, words):
    status, out = run("serve", "--config", config)
    assert status == 2 and all(word in out for word in words), (status, out)


def other_clusters_are_refused(data, redis, journal):
    refused(write_config(os.path.join(data, "name.yaml"), data_dir=data, journal=journal,
                         cluster="another"), ["cluster"])
    refused(write_config(os.path.join(data, "count.yaml"), data_dir=data, journal=journal,
                         partitions=4), ["partition"])
    config = write_config(os.path.join(data, "right.yaml"), data_dir=data, journal=journal)
    wire = Wire(redis.socket)
    written = wire.call("HGET", "crossclear:mark", "format")
    wire.call("HSET", "crossclear:mark", "format", "99")
    refused(config, ["99"])
    wire.call("HSET", "crossclear:mark", "format", written)
    return config


def every_flipped_byte_is_found(redis, config):
    log = Log(redis, DAMAGED)
    assert log.head_of(log.fields[b"frame"]) == log.fields[b"head"], "the digest is another one"
    verify = ("journal", "verify", "--config", config, "--partition", str(DAMAGED))
    flipped = 0
    for name in ("frame", "head"):
        whole = log.fields[name.encode()]
        for at in range(len(whole)):
            altered = bytearray(whole)
            altered[at] ^= 1 << (at % 8)
            log.replace(**{name: bytes(altered)})
            status, out = run(*verify)
            assert status == 1 and f"partition {DAMAGED}" in out, (name, at, status, out)
            flipped += 1
    log.restore()
    status, out = run(*verify)
    assert status == 0, out
    return flipped


def others_live(config, said):
    """One partition is stopped for this reason, and the others run."""
    service = Service(config).wait_until_up()
    try:
        reason = f"partition {DAMAGED} failed a check and is stopped"
        wait_until(lambda: service.why_not() == [reason], f"{reason!r} alone")
        line = service.wait_for_line('"A partition is stopped: its journal or books')
        assert said in line, line
        _, metrics = service.get("/metrics")
        owned = re.search(r"^crossclear_partitions_owned (\S+)", metrics, re.MULTILINE)
        assert float(owned.group(1)) == PARTITIONS - 1, owned.group(0)
    finally:
        service.kill()


def damage_stops_one_partition(redis, config):
    log = Log(redis, DAMAGED)
    frame = bytearray(log.fields[b"frame"])
    frame[-1] ^= 1
    log.replace(frame=bytes(frame))
    others_live(config, "record")
    # A record that is whole, of a version that nobody knows yet: its first byte says a version
    # follows, its second which.
    newer = log.fields[b"frame"][:1] + b"\x7e" + log.fields[b"frame"][2:]
    log.replace(frame=newer, head=log.head_of(newer))
    others_live(config, "version 126 of the record")
    status, out = run("audit", "--config", config)
    assert status == 1 and "version 126" in out, (status, out)
    log.restore()


def all_gone_and_back(data):
    redis = [Redis(os.path.join(data, f"of-three-{i}")).start() for i in range(3)]
    config = write_config(os.path.join(data, "three.yaml"), data_dir=os.path.join(data, "three"),
                          journal={"mode": "quorum",
                                   "endpoints": [{"unix": one.socket} for one in redis]})
    service = Service(config, "--create").wait_until_up()
    try:
        wait_until(lambda: not service.why_not(), "the service to be ready")
        for one in redis:
            one.kill()
        wait_until(lambda: any("connection" in why or "answer" in why or "reach" in why
                               for why in service.why_not()), "the loss to be said")
        _, metrics = service.get("/metrics")
        votes = re.findall(r"^crossclear_redis_votes\{.*\} (\S+)", metrics, re.MULTILINE)
        assert [float(vote) for vote in votes] == [0, 0, 0], votes
        for one in redis:
            one.start()
        wait_until(lambda: not service.why_not(), "the service to go on by itself", 60)
        assert service.finish() == 0, service.lines[-10:]
        status, out = run("audit", "--config", config)
        assert status == 0 and "audit ok" in out, (status, out)
    finally:
        service.kill()
        for one in redis:
            one.kill()


def main():
    with tempfile.TemporaryDirectory(prefix="crossclear-bad-store-") as data:
        redis = Redis(os.path.join(data, "redis")).start()
        journal = {"mode": "single", "endpoint": {"unix": redis.socket}}
        try:
            first = write_config(os.path.join(data, "first.yaml"), data_dir=data, journal=journal)
            with open(first, encoding="utf-8") as file:
                assert yaml.safe_load(file)["cluster"] == CLUSTER
            service = Service(first, "--create").wait_until_up()
            wait_until(lambda: not service.why_not(), "the service to be ready")
            assert service.finish() == 0
            config = other_clusters_are_refused(data, redis, journal)
            flipped = every_flipped_byte_is_found(redis, config)
            damage_stops_one_partition(redis, config)
            status, out = run("audit", "--config", config)
            assert status == 0 and "audit ok" in out, (status, out)
        finally:
            redis.kill()
        all_gone_and_back(data)
    print(f"{flipped} flipped bytes found; a damaged partition stops alone; three Redis came back")


if __name__ == "__main__":
    main()
