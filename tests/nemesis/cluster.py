"""The processes of one round: Redis instances, nodes, the world, and what happens to them."""

import os
import resource
import shutil
import signal
import subprocess
import time

import yaml

from control import Control
from place import Disk, free_port
from nodes_test import certificates
from service import Redis, Service, World, run, write_config

PARTITIONS = 8
ACCOUNTS = tuple(f"0-{number}" for number in range(1, 13))
REDIS_PORT = 6379


def stream_of(partition):
    """The key of a partition's log."""
    return f"{{p{partition:02}}}:s"


class Instance(Redis):
    """One redis-server on a machine and a disk of its own."""

    def __init__(self, place, data, name, shim):
        self.machine = place.machine(name)
        self.name = name
        directory = os.path.join(data, name)
        self.disk = Disk(directory) if place.is_apart else None
        self.control = Control(os.path.join(data, name + ".control"), shim)
        self.port = REDIS_PORT if place.is_apart else free_port()
        super().__init__(
            directory, "--port", str(self.port), "--bind", self.machine.address,
            "--protected-mode", "no", "--auto-aof-rewrite-min-size", "8mb",
            prefix=self.machine.prefix, env=self.control.environment(), start_new_session=True)
        self.folder = os.path.join(directory, "appendonlydir")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        """Whoever it has forked to write its file anew shares its fate."""
        if self.is_running():
            os.killpg(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def lose_power(self, rng):
        self.kill()
        return self.control.lose_power(self.folder, rng)

    def empty(self):
        self.kill()
        shutil.rmtree(self.folder)

    def fill_disk(self, rng):
        room = rng.randrange(0, 64 << 10)
        if self.disk is not None:
            self.disk.fill(room)
        else:
            written = max(file.stat().st_size for file in os.scandir(self.folder))
            self._limit_files(written + room)

    def _limit_files(self, size=None):
        """The hard limit stays, or nobody could lift it again."""
        _, most = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE,
                         (most if size is None else size, most))

    def mend(self):
        """Whatever was done to it, it is well and runs."""
        self.control.reset()
        if self.disk is not None:
            self.disk.free()
            self.machine.mend()
        self.signal(signal.SIGCONT)
        if not self.is_running():
            self.start()
        elif self.disk is None:
            self._limit_files()

    def drop(self):
        self.kill()
        if self.disk is not None:
            self.disk.drop()


class Node:
    """One `crossclear serve` on a machine of its own, through all its lives."""

    def __init__(self, place, data, name, config, shim, binary):
        self.machine = place.machine(name)
        self.name, self.config = name, config
        self.control = Control(os.path.join(data, name + ".control"), shim)
        self.is_apart = place.is_apart
        self.binary = {} if binary is None else {"binary": binary}
        self.service = None
        self.is_up = False

    def start(self, *options):
        self.service = Service(self.config, *options, host=self.machine.address,
                               prefix=self.machine.prefix, env=self.control.environment(),
                               **self.binary)
        self.service.wait_until_up(90)
        self.is_up = True

    def signal(self, number):
        if self.service is not None and self.service.process.poll() is None:
            self.service.process.send_signal(number)

    def kill(self):
        self.is_up = False
        if self.service is not None:
            self.service.kill()

    def mend(self):
        self.control.reset()
        if self.is_apart:
            self.machine.mend()
        self.signal(signal.SIGCONT)
        if self.service.process.poll() is not None:
            self.start()

    def figures(self):
        """Series of /metrics by name with labels."""
        _, body = self.service.get("/metrics")
        lines = (line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}


class Cluster:
    """All of them, on a directory that is new."""

    def __init__(self, place, data, shim, nodes=3, redis=3, binary=None):
        self.place, self.data = place, data
        self.is_unsafe = False  # A control does the wrong thing to it.
        self.instances = [Instance(place, data, f"redis-{n}", shim) for n in range(1, redis + 1)]
        endpoints = [{"host": one.machine.address, "port": one.port} for one in self.instances]
        journal = {"mode": "quorum", "endpoints": endpoints} if redis > 1 else \
            {"mode": "single", "endpoint": endpoints[0]}
        journal.update(snapshot_records=500, snapshot_every="5s", is_trimmed=False)
        world = f"{place.hub}:{free_port()}"
        self.config = write_config(os.path.join(data, "base.yaml"), partitions=PARTITIONS,
                                   data_dir=os.path.join(data, "home"), journal=journal,
                                   world={"mode": "remote", "endpoint": world})
        tls = certificates(os.path.join(data, "tls"))
        self.nodes = []
        for letter in "abcdefg"[:nodes]:
            name = f"node-{letter}"
            address = place.machine(name).address
            config = self._config_of(name, address, tls)
            self.nodes.append(Node(place, data, name, config, shim, binary))
        self.world = None

    def _config_of(self, name, address, tls):
        with open(self.config, encoding="utf-8") as file:
            config = yaml.safe_load(file)
        config["node"] = {"mode": "cluster", "name": name, "address": address, "port": 0, **tls}
        config["api"].update(address=address, ops_address=address)
        path = os.path.join(self.data, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump(config, file, sort_keys=False)
        return path

    def start(self):
        for instance in self.instances:
            instance.start()
        self.start_world()
        for number, node in enumerate(self.nodes):
            node.start(*(["--create"] if number == 0 else []))
        for account in ACCOUNTS:
            status, out = run("world", "--config", self.config, "deposit", "--shard",
                              "aave-uniswap", "--account", account, "--asset", "USDC",
                              "--amount", "2000000")
            assert status == 0, out

    def start_world(self):
        self.world = World(self.config).wait_until_up()

    def mend(self):
        """Every process runs and hears every other; instances first, nodes wait for them."""
        for machine in (*self.instances, *self.nodes):
            if self.place.is_apart:
                machine.machine.mend()
        for instance in self.instances:
            instance.mend()
        if self.world.process.poll() is not None:
            self.start_world()
        deadline = time.monotonic() + 120
        for node in self.nodes:
            while True:
                try:
                    node.mend()
                    break
                except AssertionError:  # It ended while it waited for a majority; again.
                    node.kill()
                    if time.monotonic() > deadline:
                        raise

    def ends(self):
        """Where each instance's log of each partition ends, as (epoch, sequence)."""
        script = """local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
                    return last and last[1] or '0-0'"""
        return {(one.name, partition): tuple(map(int, one.try_command(
            "EVAL", script, "1", stream_of(partition)).split("-")))
            for one in self.instances for partition in range(PARTITIONS)}

    def lacks(self, before):
        """What keeps the cluster from being whole: every instance votes and has come to where any
        stood `before`, and every partition has one owner. Empty if nothing."""
        found, owned = [], 0
        for node in self.nodes:
            figures = node.figures()
            owned += figures.get("crossclear_partitions_owned", 0)
            found += [f"{node.name}: {name} {value:.0f}" for name, value in figures.items()
                      if name.startswith("crossclear_redis_votes") and value != 1]
        if owned != PARTITIONS:
            found.append(f"{owned:.0f} partitions are owned")
        for (name, partition), end in self.ends().items():
            wanted = max(before[one.name, partition] for one in self.instances)
            if end < wanted:
                found.append(f"{name} ends partition {partition} at {end}, not at {wanted}")
        return found

    def wait_until_whole(self, seconds=60):
        before = self.ends()
        deadline = time.monotonic() + seconds
        while lacking := self.lacks(before):
            assert time.monotonic() < deadline, f"not whole after {seconds} s: {lacking}"
            time.sleep(0.05)

    def finish(self):
        """Ends nodes and world in order; returns what was wrong with that."""
        wrong = []
        for node in self.nodes:
            try:
                status = node.service.finish()
            except subprocess.TimeoutExpired:
                status = "a time-out"
            if status != 0:
                wrong.append(f"{node.name} ended with {status}")
        if (status := self.world.finish()) != 0:
            wrong.append(f"the world ended with {status}")
        return wrong

    def kill_nodes(self):
        for node in self.nodes:
            node.signal(signal.SIGCONT)
            node.kill()
        if self.world is not None:
            self.world.kill()

    def drop(self):
        self.kill_nodes()
        for instance in self.instances:
            instance.signal(signal.SIGCONT)
            instance.drop()
