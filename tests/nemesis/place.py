"""Where the processes run: network namespaces on a bridge, and disks of their own.

The whole test runs in namespaces of processes, mounts and network that end with it, so that nothing
it started or mounted outlives it. Each machine has a network namespace, whose one link ends at a
bridge: taken off the bridge, the machine hears nobody and nobody hears it, without a word, as with
a pulled plug. Each Redis has a file system of its own, which can be full.

Where the system grants no namespaces, machines share the loopback interface, nobody is cut off, and
a full disk is a limit on how large files may grow.
"""

import os
import socket
import subprocess
import sys

INSIDE = "CROSSCLEAR_NEMESIS_INSIDE"
NETWORK = "10.77.0."
DISK_BYTES = 512 << 20
# The first process of a namespace has to reap orphans, which a shell does while it waits.
SETTING_UP = 'mount -t tmpfs tmpfs /run && ip link set lo up && "$@"'
TRIAL = "ip netns add trial && ip link add trial type veth peer name eth0 netns trial"


def enter():
    """Runs this very program again, inside; says so aloud where the system does not grant it."""
    if INSIDE in os.environ:
        return
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--mount"]
    if os.geteuid() != 0:
        words += ["--user", "--map-root-user"]
    words += ["sh", "-c", SETTING_UP, "sh"]
    try:
        trial = subprocess.run([*words, "sh", "-c", TRIAL], capture_output=True, text=True)
        why = trial.stderr.strip() if trial.returncode else ""
    except FileNotFoundError as missing:
        why = str(missing)
    if why:
        print(f"no namespaces here, so nobody is cut off and disks are full by a limit: {why}",
              file=sys.stderr)
        os.environ[INSIDE] = "no"
        return
    os.environ[INSIDE] = "yes"
    os.execvp(words[0], [*words, sys.executable, "-B", *sys.argv])


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Machine:
    """An address, a disk, and a link that can be cut."""

    def __init__(self, name, address, prefix):
        self.name, self.address, self.prefix = name, address, prefix

    def cut(self):
        ip("link", "set", self.name, "nomaster")

    def mend(self):
        ip("link", "set", self.name, "master", "hub")


class Disk:
    """A directory that can be full: a file system in memory whose size is changed."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", directory],
                       check=True)

    def _resize(self, size):
        """Whether that was done; it cannot be smaller than what is in it."""
        done = subprocess.run(["mount", "-o", f"remount,size={size}", self.directory],
                              capture_output=True)
        return done.returncode == 0

    def fill(self, room):
        """Leaves about so many bytes."""
        for _ in range(100):  # It grows while we look.
            usage = os.statvfs(self.directory)
            if self._resize((usage.f_blocks - usage.f_bfree) * usage.f_frsize + room):
                return
        raise AssertionError(f"{self.directory} grows faster than it can be limited")

    def free(self):
        assert self._resize(DISK_BYTES), f"{self.directory} cannot be given its size again"

    def drop(self):
        subprocess.run(["umount", "--lazy", self.directory], check=True)


class Place:
    """Makes machines, while the test lasts."""

    def __init__(self):
        self.is_apart = os.environ[INSIDE] == "yes"
        self.hub = NETWORK + "1" if self.is_apart else "127.0.0.1"
        self.machines = {}
        if self.is_apart:
            ip("link", "add", "hub", "type", "bridge")
            ip("addr", "add", f"{self.hub}/24", "dev", "hub")
            ip("link", "set", "hub", "up")

    def machine(self, name):
        """The machine of that name, made when it is first asked for."""
        if name not in self.machines:
            self.machines[name] = self._make(name, len(self.machines) + 10)
        return self.machines[name]

    def _make(self, name, number):
        if not self.is_apart:
            return Machine(name, "127.0.0.1", ())
        address = NETWORK + str(number)
        ip("netns", "add", name)
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", name, "master", "hub", "up")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        return Machine(name, address, ("ip", "netns", "exec", name))
