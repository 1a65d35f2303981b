"""The page that a test shares with the shim in a process: see shim.c, which has the same layout."""

import mmap
import os
import shutil
import struct
import subprocess

FILES_MAX = 4000
HEADER = struct.Struct("<qqqq")  # clock offset, sync delay, whether syncs fail, syncs so far
FILE = struct.Struct("<Qq")      # inode, length that a sync has covered
SOURCE = os.path.join(os.path.dirname(__file__), "shim.c")


def build_shim(directory):
    """Compiles the shim; returns its path."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "a C compiler is missing: apt-get install gcc"
    path = os.path.join(directory, "shim.so")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror",
                    "-o", path, SOURCE, "-ldl"], check=True)
    return path


class Control:
    """What disk and clock do to one process, and what of its files is on the disk."""

    def __init__(self, path, shim):
        self.path, self.shim = path, shim
        with open(path, "wb") as file:
            file.truncate(HEADER.size + FILES_MAX * FILE.size)
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 0)

    def environment(self):
        """Of the process that is to be controlled. A sanitizer would want to be loaded first."""
        return {**os.environ, "LD_PRELOAD": self.shim, "CROSSCLEAR_NEMESIS_CONTROL": self.path,
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def _set(self, position, value):
        struct.pack_into("<q", self.page, position * 8, value)

    def set_clock_offset(self, seconds):
        self._set(0, round(seconds * 1_000_000_000))

    def set_sync_delay(self, seconds):
        self._set(1, round(seconds * 1_000_000))

    def set_syncs_fail(self, do_fail):
        self._set(2, int(do_fail))

    def syncs(self):
        return HEADER.unpack_from(self.page, 0)[3]

    def _places(self):
        for index in range(FILES_MAX):
            position = HEADER.size + index * FILE.size
            inode, synced = FILE.unpack_from(self.page, position)
            if inode == 0:
                return
            yield inode, synced, position

    def lose_power(self, directory, rng):
        """Cuts every file to what was synced, or, as disks do, somewhere in what was not.

        The process must have been killed. Returns the bytes that were lost. Names of files are
        taken for durable at once.
        """
        synced = {inode: (length, position) for inode, length, position in self._places()}
        lost = 0
        for folder, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(folder, name)
                file = os.stat(path, follow_symlinks=False)
                covered, position = synced.get(file.st_ino, (0, None))
                kept = min(file.st_size, covered)
                if kept < file.st_size and rng.random() < 0.5:
                    kept = rng.randint(kept, file.st_size)
                if kept < file.st_size:
                    os.truncate(path, kept)
                    lost += file.st_size - kept
                if position is not None:
                    FILE.pack_into(self.page, position, file.st_ino, kept)
        return lost

    def reset(self):
        """As after a reboot: clock and disk are well; what is synced stays known."""
        for position in range(3):
            self._set(position, 0)
