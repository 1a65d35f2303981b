#!/usr/bin/env python3
"""Goal: a tail torn at any byte of a record changes nothing of what was acknowledged before it.

A demo writes a journal. Its append-only file is cut at every byte of its last record, and a
redis-server with the settings of the embedded one is started on it twice: each time exactly what
was there before that record is read. Once more with the record sent again after the first start, as
its owner would: it stands at the second. The program itself reads some of these files. Two
controls: a record that differs by one bit is noticed; and with one write more in a script, what was
written after the first start is gone at the second.
"""

import concurrent.futures
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from service import BINARY, run, wait_until  # noqa: E402

# As store/redis/embedded.cpp starts it; DEBUG is for the digest of all that it holds.
SETTINGS = ("--port", "0", "--unixsocket", "own.sock", "--dir", ".", "--appendonly", "yes",
            "--appendfsync", "always", "--no-appendfsync-on-rewrite", "no", "--aof-load-truncated",
            "yes", "--maxmemory-policy", "noeviction", "--save", "", "--daemonize", "no",
            "--enable-debug-command", "yes")
PROGRAM_READS = 5  # offsets, spread over the record


class Server:
    """One start of redis-server on a directory."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "own.sock")
        if os.path.exists(self.path):
            os.remove(self.path)
        with open(os.path.join(directory, "own.log"), "ab") as log:
            self.process = subprocess.Popen(["redis-server", *SETTINGS], cwd=directory, stdout=log,
                                            stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        self.socket = None
        while self.socket is None or self.ask(b"PING") != b"+PONG":
            assert self.process.poll() is None, f"redis-server ended; see {directory}/own.log"
            assert time.monotonic() < deadline, "redis-server does not answer"
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(self.path)
            except OSError:
                self.socket = None
                time.sleep(0.002)  # Its socket announces nothing.

    def ask(self, *words):
        """The first line of the answer, without its end."""
        self.socket.sendall(encode(words))
        answer = b""
        while b"\r\n" not in answer:
            answer += self.socket.recv(65536)
        if answer.startswith(b"-LOADING"):
            time.sleep(0.002)
        return answer.split(b"\r\n")[0]

    def digest(self):
        return self.ask(b"DEBUG", b"DIGEST")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.socket.close()


def encode(words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def commands_of(path):
    """Every command of an append-only file: where it begins, where it ends, its words."""
    with open(path, "rb") as file:
        text = file.read()
    at, found = 0, []
    while at < len(text):
        begin, end = at, text.index(b"\r\n", at)
        count, at = int(text[at + 1:end]), end + 2
        words = []
        for _ in range(count):
            end = text.index(b"\r\n", at)
            size = int(text[at + 1:end])
            words.append(text[end + 2:end + 2 + size])
            at = end + 2 + size + 2
        found.append((begin, at, words))
    return found


def increment_of(directory):
    folder = os.path.join(directory, "appendonlydir")
    name = max((name for name in os.listdir(folder) if ".incr." in name),
               key=lambda name: int(name.split(".")[2]))
    return os.path.join(folder, name)


class Torn:
    """A file whose last command is cut anywhere, what it says before that, and after `later`."""

    def __init__(self, work, source, begin, end, later=None):
        self.work, self.source, self.begin, self.end = work, source, begin, end
        with open(increment_of(source), "rb") as file:
            self.later = later or file.read()[begin:end]
        directory = self.cut(begin)
        server = Server(directory)
        self.before = server.digest()
        self.send_later(server)
        self.after = server.digest()
        server.kill()
        shutil.rmtree(directory)
        assert self.before != self.after, "the record changes nothing: the test proves nothing"

    def cut(self, length):
        directory = os.path.join(self.work, f"cut-{length}")
        shutil.copytree(self.source, directory, ignore=shutil.ignore_patterns("*.sock"))
        os.truncate(increment_of(directory), length)
        return directory

    def send_later(self, server):
        """What comes next; of an append without an answer, the owner sends the same bytes again."""
        server.socket.sendall(self.later)
        answer = server.socket.recv(65536)
        assert not answer.startswith(b"-"), answer

    def starts(self, length, expected, has_later):
        """None, or what one of two starts read; between them more is written, or nothing."""
        directory = self.cut(length)
        try:
            for start, wanted in enumerate(expected, 1):
                server = Server(directory)
                found = server.digest()
                if start == 1 and has_later:
                    self.send_later(server)
                server.kill()
                if found != wanted:
                    return (f"cut at byte {length - self.begin}, start {start} read something "
                            f"else{' than was written since' if start == 2 and has_later else ''}")
        except AssertionError as failure:
            return f"cut at byte {length - self.begin}: {failure}"
        finally:
            shutil.rmtree(directory)
        return None

    def judge(self, length):
        return (self.starts(length, (self.before, self.before), False) or
                self.starts(length, (self.before, self.after), True))

    def sweep(self):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            judged = pool.map(self.judge, range(self.begin, self.end))
            return [sentence for sentence in judged if sentence]


def last_record(directory):
    """Makes a small record of the latest ones the file's last; returns where it stands."""
    path = increment_of(directory)
    appends = [(begin, end) for begin, end, words in commands_of(path)
               if words[0].upper() == b"XADD" and words[1].endswith(b":s")]
    begin, end = min(appends[-100:], key=lambda place: place[1] - place[0])
    os.truncate(path, end)
    return begin, end


def program_reads(data, torn):
    """The program reads the torn file, on a Redis it starts itself, and finds the chain whole."""
    lengths = range(torn.begin, torn.end, max(1, (torn.end - torn.begin) // PROGRAM_READS))
    counted = set()
    for length in lengths:
        shutil.rmtree(os.path.join(data, "redis"))
        shutil.copytree(torn.cut(length), os.path.join(data, "redis"))
        for _ in range(2):
            status, out = run("journal", "verify", "--data", data)
            assert status == 0, (length - torn.begin, out)
            counted.add(out)
        shutil.rmtree(os.path.join(torn.work, f"cut-{length}"))
    assert len(counted) == 1, counted
    return len(lengths)


def alteration_is_noticed(torn):
    """The control of the comparison: one bit of the record before makes another digest."""
    directory = torn.cut(torn.begin)
    path = increment_of(directory)
    begin, end, words = [one for one in commands_of(path) if one[2][0].upper() == b"XADD"][-1]
    with open(path, "r+b") as file:
        file.seek(end - 3)  # The last byte of its frame.
        byte = file.read(1)[0]
        file.seek(end - 3)
        file.write(bytes([byte ^ 1]))
    server = Server(directory)
    assert server.digest() != torn.before, "an altered record was not noticed"
    server.kill()


def two_writes_lie(work):
    """The control of the rule: a script that writes twice, torn, is not read as it was written."""
    directory = os.path.join(work, "twice")
    os.makedirs(directory)
    server = Server(directory)
    server.ask(b"SET", b"acknowledged", b"yes")
    server.ask(b"EVAL", b"redis.call('SET', 'a', '1') redis.call('SET', 'b', '2')", b"0")
    server.kill()
    commands = commands_of(increment_of(directory))
    begin = next(at for at, _, words in commands if words[0].upper() == b"MULTI")
    later = encode((b"SET", b"later", b"acknowledged as well"))
    return Torn(work, directory, begin, commands[-1][1], later).sweep()


def main():
    with tempfile.TemporaryDirectory(prefix="crossclear-torn-") as work:
        data = os.path.join(work, "data")
        subprocess.run([BINARY, "demo", "--trades", "20", "--accounts", "10", "--data", data,
                        "--quiet", "--port", "0", "--ops-port", "0"], check=True, timeout=180)
        redis = os.path.join(data, "redis")
        wait_until(lambda: not os.path.exists(os.path.join(redis, "redis.sock")),
                   "the embedded redis-server to end")
        source = os.path.join(work, "source")
        os.makedirs(source)
        shutil.copytree(os.path.join(redis, "appendonlydir"),
                        os.path.join(source, "appendonlydir"))
        torn = Torn(work, source, *last_record(source))
        wrong = torn.sweep()
        assert not wrong, wrong[:10]
        read = program_reads(data, torn)
        alteration_is_noticed(torn)
        lies = two_writes_lie(work)
        assert lies, "a torn script of two writes was read as it was written: mend this test"
    print(f"cut at each of {torn.end - torn.begin} bytes, two starts each: nothing changed; the "
          f"program read {read} of them; a script of two writes lied {len(lies)} times, as in: "
          f"{lies[0]}")


if __name__ == "__main__":
    main()
