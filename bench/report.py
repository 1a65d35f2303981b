"""What a run of the bench says in the end: medians, spreads, ratios, and where the time went."""

import os
import statistics
import time

import goals

# The service clears at least so many times the trades of PostgreSQL.
FLOOR = 5.0
# With more of the processors in others' hands a run measures them as well.
BUSY = 0.1
# Each with as many on their way as is best for it.
FLOOR_RATIO = ("service.full", "postgres.statements")

NAMES = {
    "echo.one": "Beast echo with JSON, one a frame",
    "echo.batch": "Beast echo with JSON, batches of 32",
    "append.1": "Redis append, 1 event a record (events)",
    "append.8": "Redis append, 8 events a record (events)",
    "append.64": "Redis append, 64 events a record (events)",
    "append.256": "Redis append, 256 events a record (events)",
    "hops.sharing": "CAF over two hops, sharing",
    "hops.stealing": "CAF over two hops, stealing",
    "postgres.statements": "PostgreSQL, statements from the client",
    "postgres.function": "PostgreSQL, one stored function",
    "service.one": "service, one a frame",
    "service.full": "service, one a frame, more on their way",
    "service.batch": "service, batches of 32",
    "service.half": "service, paced at half of one a frame",
    "quorum.one": "service on one Redis of its own",
    "quorum.three": "service on three Redis",
    "one_down": "service on three Redis, one of them killed",
    "nodes.1": "one node",
    "nodes.2": "two nodes, the same clients",
    "nodes.3": "three nodes, the same clients",
    "settle.trades": "trades settled on chains",
    "settle.orders": "orders on chains, 64 open a lane; ours",
    "settle.paced": "orders, a block for each; what is ours",
    "settle.clocked": "orders, blocks by the clock; ours",
    "sim": "steps of the simulator",
}

RATIOS = (
    ("service.full", "postgres.statements"),
    ("service.one", "postgres.statements"),
    ("service.batch", "postgres.statements"),
    ("service.one", "postgres.function"),
    ("service.batch", "postgres.function"),
    ("service.one", "echo.one"),
    ("service.batch", "echo.batch"),
)

# Threads of the service by name; whoever is not listed counts as the rest.
PARTS = {
    "clients": "the clients themselves",
    "api": "api: sockets, JSON, sessions",
    "caf.worker": "actors: margin, machines, books, records",
    "redis-client": "Redis client",
    "redis-server": "redis-server, with its sync",
    "chains": "simulated shards",
}


class Machine:
    """What the machine is, and what else it was doing."""

    def __init__(self):
        self.others = []
        self.load_before = os.getloadavg()[0]
        self.started = cpu_times()

    def look(self):
        """Half a second without anything of ours: who is busy then is somebody else."""
        before = cpu_times()
        time.sleep(0.5)
        self.others.append(busy_share(before, cpu_times()))

    def as_json(self):
        now = cpu_times()
        total = sum(now) - sum(self.started)
        return {
            "processors": os.cpu_count(),
            "model": first_value("/proc/cpuinfo", "model name"),
            "memory_gib": round(int(first_value("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
            "kernel": os.uname().release,
            "load_before": self.load_before,
            "busy_with_others": {"median": statistics.median(self.others or [0]),
                                 "most": max(self.others or [0])},
            "stolen": (now[7] - self.started[7]) / total if total else 0,
        }


def cpu_times():
    with open("/proc/stat", encoding="ascii") as file:
        return [int(word) for word in file.readline().split()[1:9]]


def busy_share(before, after):
    spent = [b - a for a, b in zip(before, after)]
    idle = spent[3] + spent[4]
    return 1 - idle / sum(spent) if sum(spent) else 0.0


def first_value(path, key):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
    return "unknown"


def milliseconds(us):
    return f"{us / 1000:.1f}" if us < 100_000 else f"{us / 1000:.0f}"


class Report:
    """The figures of all rounds, and what follows from them."""

    def __init__(self, options, machine, rounds, postgres_version):
        self.options = options
        self.machine = machine.as_json()
        self.rounds = rounds
        self.postgres_version = postgres_version
        self.goals = goals.goals_of(rounds)

    def median(self, name, key):
        values = [figures[name][key] for figures in self.rounds if key in figures.get(name, {})]
        return statistics.median(values) if values else None

    def spread(self, name):
        values = [figures[name]["per_second"] for figures in self.rounds]
        return min(values), max(values)

    def measured(self):
        return [name for name in NAMES if name in self.rounds[0]]

    def ratios_by_round(self, above, below):
        return [figures[above]["per_second"] / figures[below]["per_second"]
                for figures in self.rounds if above in figures and below in figures]

    def ratio(self, above, below):
        """The median of the ratios within each round, or None where one was not measured."""
        values = self.ratios_by_round(above, below)
        return statistics.median(values) if values else None

    def is_below_floor(self):
        ratio = self.ratio(*FLOOR_RATIO)
        return ratio is not None and ratio < FLOOR

    def missed(self):
        """What was wanted and not reached, one sentence each."""
        missed = []
        if self.is_below_floor():
            missed.append(f"the service cleared {self.ratio(*FLOOR_RATIO):.1f} times PostgreSQL's "
                          f"trades; the floor is {FLOOR:.0f} times")
        missed += [goal.line() for goal in self.goals if not goal.is_met]
        return missed

    def profile(self, name):
        """Processor time of each part per trade, in microseconds, medians."""
        rows = [figures[name]["cpu_us_per_trade"] for figures in self.rounds if name in figures]
        parts = {}
        for part in (*PARTS, "rest"):
            values = [sum(us for thread, us in row.items()
                          if (thread if thread in PARTS else "rest") == part) for row in rows]
            parts[part] = statistics.median(values) if values else 0.0
        return parts

    def lines_of_figures(self):
        if not self.measured():
            return
        yield f"{'':44}{'a second':>10}{'from':>10}{'to':>10}{'p50':>8}{'p99':>8}{'p99.9':>8} ms"
        for name in self.measured():
            low, high = self.spread(name)
            middle = self.median(name, "per_second")
            line = f"{NAMES[name]:44}{middle:10,.0f}{low:10,.0f}{high:10,.0f}"
            for key in ("p50_us", "p99_us", "p999_us"):
                value = self.median(name, key)
                line += f"{milliseconds(value):>8}" if value is not None else f"{'':8}"
            yield line.rstrip()

    def lines_of_profile(self):
        phases = [name for name in ("service.one", "service.full", "service.batch", "service.half")
                  if name in self.measured()]
        if not phases:
            return
        profiles = {name: self.profile(name) for name in phases}
        yield ""
        yield f"{'processor time per trade, us':44}" + "".join(
            f"{name.split('.')[1]:>10}" for name in phases)
        for part in (*PARTS, "rest"):
            yield f"{PARTS.get(part, 'everything else'):44}" + "".join(
                f"{profiles[name][part]:10.1f}" for name in phases)
        yield f"{'together':44}" + "".join(
            f"{sum(profiles[name].values()):10.1f}" for name in phases)
        for key, title in (("events_per_trade", "events a trade"),
                           ("events_per_record", "events a record"),
                           ("commit_us", "from an append to durable, us")):
            yield f"{title:44}" + "".join(f"{self.median(name, key):10.1f}" for name in phases)

    def lines_of_ratios(self):
        ratios = [(pair, self.ratio(*pair)) for pair in RATIOS]
        ratios = [(pair, ratio) for pair, ratio in ratios if ratio is not None]
        if ratios:
            yield ""
        for (above, below), ratio in ratios:
            floor = f"   floor {FLOOR:.0f}" if (above, below) == FLOOR_RATIO else ""
            values = self.ratios_by_round(above, below)
            yield (f"{NAMES[above]} / {NAMES[below]}: {ratio:.2f} "
                   f"({min(values):.2f} to {max(values):.2f}){floor}")

    def lines_of_goals(self):
        if not self.goals:
            return
        yield ""
        yield from (goal.line() for goal in self.goals)
        yield from goals.lines_of_takeover(self.rounds)
        yield from goals.lines_of_accounts(self.rounds)
        yield from goals.lines_of_settle(self.rounds)

    def lines_of_machine(self):
        others = self.machine["busy_with_others"]
        yield ""
        yield (f"machine: {self.machine['processors']} processors ({self.machine['model']}), "
               f"{self.machine['memory_gib']} GiB, Linux {self.machine['kernel']}" +
               (f", PostgreSQL {self.postgres_version}" if self.postgres_version else ""))
        yield (f"between measurements others kept it {100 * others['median']:.0f}% busy "
               f"(at most {100 * others['most']:.0f}%); {100 * self.machine['stolen']:.1f}% of the "
               f"time was stolen by its host; load before: {self.machine['load_before']:.2f}")
        yield (f"{len(self.rounds)} rounds of {self.options.seconds:g} s a measurement; "
               f"medians, ratios within a round")
        if others["median"] > BUSY:
            yield ("the machine was not ours alone: figures are too low, and a ratio near its "
                   "floor decides nothing; repeat it on an idle one")

    def text(self):
        return "\n".join([*self.lines_of_figures(), *self.lines_of_profile(),
                          *self.lines_of_ratios(), *self.lines_of_goals(),
                          *self.lines_of_machine()])

    def as_json(self):
        figures = {}
        for name in self.measured():
            keys = self.rounds[0][name].keys() - {"refused", "cpu_us_per_trade"}
            figures[name] = {key: self.median(name, key) for key in sorted(keys)}
            low, high = self.spread(name)
            figures[name].update(per_second_least=low, per_second_most=high)
            if name.startswith("service."):
                figures[name]["cpu_us_per_trade"] = self.profile(name)
        return {
            "machine": self.machine,
            "postgres": self.postgres_version,
            "seconds": self.options.seconds,
            "figures": figures,
            "ratios": {f"{above}/{below}": {"median": self.ratio(above, below),
                                            "by_round": self.ratios_by_round(above, below)}
                       for above, below in RATIOS if self.ratios_by_round(above, below)},
            "floor": {"ratio": "/".join(FLOOR_RATIO), "at_least": FLOOR,
                      "is_missed": self.is_below_floor()},
            "goals": {goal.name: goal.as_json() for goal in self.goals},
            "rounds": self.rounds,
        }
