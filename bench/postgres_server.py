"""A private PostgreSQL for one measurement: made, started, measured with pgbench, removed.

It listens on a unix socket in its own directory and knows nothing of any other server on the
machine. PostgreSQL refuses to run as root, so root lends it to the user `postgres`.
"""

import glob
import os
import pathlib
import pwd
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent / "postgres"

# What somebody who knows PostgreSQL would set on a small machine for commits that last. Nothing
# that weakens a commit: synchronous_commit, fsync and full_page_writes are on.
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "100",
    "shared_buffers": "'512MB'",
    "synchronous_commit": "on",
    "fsync": "on",
    "full_page_writes": "on",
    # No replica and no archive: less log to write than by default.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_buffers": "'16MB'",
    # A checkpoint in the middle of a round would be chance, not cost.
    "max_wal_size": "'8GB'",
    "checkpoint_timeout": "'30min'",
    "jit": "off",
    "logging_collector": "off",
}

SCRIPTS = {"statements": "trade.sql", "function": "call.sql"}


class Failure(Exception):
    """A step that failed: what, why, and what to do about it."""

    def __init__(self, what, why, remedy):
        super().__init__(what)
        self.what, self.why, self.remedy = what, why, remedy


def find_binaries():
    """The directory of initdb, pg_ctl and pgbench: version 15 if it is there, else the newest."""
    found = {int(path.split("/")[-2]): path for path in glob.glob("/usr/lib/postgresql/*/bin")
             if os.access(f"{path}/initdb", os.X_OK) and os.access(f"{path}/pgbench", os.X_OK)}
    if not found:
        raise Failure("PostgreSQL is not installed", "there is no /usr/lib/postgresql/*/bin",
                      "./dev bench installs it; by hand: apt-get install postgresql")
    return found.get(15, found[max(found)])


class Server:
    """One cluster in one directory. `start` and `stop` may alternate; the data stay."""

    def __init__(self, directory):
        self.binaries = find_binaries()
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.is_running = False
        self.directory.mkdir(mode=0o755)
        if os.geteuid() == 0:
            try:
                user = pwd.getpwnam("postgres")
            except KeyError:
                raise Failure("PostgreSQL cannot run as root", "there is no user postgres",
                              "install Debian's package postgresql, which makes one") from None
            os.chown(self.directory, user.pw_uid, user.pw_gid)

    def run(self, what, program, *arguments):
        command = [f"{self.binaries}/{program}", *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, cwd=self.directory, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode != 0:
            tail = "\n".join(done.stdout.splitlines()[-8:])
            raise Failure(f"{program}: {what}", tail or f"exit status {done.returncode}",
                          f"the server's log: {self.directory}/server.log (kept with --keep)")
        return done.stdout

    def version(self):
        return self.run("ask for the version", "postgres", "--version").split()[2]

    def create(self):
        self.run("make a cluster", "initdb", "-D", self.data, "-A", "trust", "-U", "postgres",
                 "-E", "UTF8", "--locale=C", "--no-instructions")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(f"unix_socket_directories = '{self.directory}'\n")
            for name, value in SETTINGS.items():
                file.write(f"{name} = {value}\n")
        self.start()
        self.run("make the tables", "psql", *self.where(), "-q", "-v", "ON_ERROR_STOP=1",
                 "-f", self.readable(HERE / "schema.sql"))

    def readable(self, path):
        """A copy that the server's user can read, wherever the tree lies."""
        copy = self.directory / path.name
        if not copy.exists():
            shutil.copyfile(path, copy)
            copy.chmod(0o644)
        return copy

    def where(self):
        return ["-h", self.directory, "-U", "postgres", "-d", "postgres"]

    def start(self):
        if not self.is_running:
            self.run("start the server", "pg_ctl", "-D", self.data, "-l",
                     self.directory / "server.log", "-w", "-t", "60", "start")
            self.is_running = True

    def stop(self):
        if self.is_running:
            self.is_running = False
            self.run("stop the server", "pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")

    def bench(self, kind, clients, seconds):
        """Trades a second and the percentiles of their latency, with `clients` at once."""
        for old in self.directory.glob("tx.*"):
            old.unlink()
        said = self.run("measure", "pgbench", "-n", "-M", "prepared", "-j", 2, "-c", clients,
                        "-T", seconds, "-l", "--log-prefix", self.directory / "tx", "-f",
                        self.readable(HERE / SCRIPTS[kind]), *self.where()[:4], "postgres")
        rates = [line for line in said.splitlines() if line.startswith("tps = ")]
        latencies = sorted(int(line.split()[2]) for path in self.directory.glob("tx.*")
                           for line in path.read_text(encoding="utf-8").splitlines())
        if not rates or not latencies:
            raise Failure("pgbench measured nothing", said, "look at its output above")
        return {"per_second": float(rates[0].split()[2]), "clients": clients,
                **{f"p{name}_us": latencies[round((len(latencies) - 1) * share)]
                   for name, share in (("50", 0.5), ("99", 0.99), ("999", 0.999))}}

    def check(self):
        """The books of PostgreSQL are held to the same: postings sum to zero, trades are whole."""
        query = ("SELECT (SELECT count(*) FROM (SELECT trade, asset FROM postings GROUP BY 1, 2 "
                 "HAVING sum(amount) <> 0) AS wrong), (SELECT count(*) FROM trades) * 5 - "
                 "(SELECT count(*) FROM postings)")
        said = self.run("check the books", "psql", *self.where(), "-At", "-c", query).strip()
        if said != "0|0":
            raise Failure("PostgreSQL's books are not whole",
                          f"postings that do not balance | postings missing: {said}",
                          "mend bench/postgres/*.sql")
