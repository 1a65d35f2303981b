"""Measures of many accounts, instances and nodes. `run --help` says what each is."""

import datetime
import json
import subprocess
import time

import cluster
from postgres_server import Failure

# What one and several nodes trade for, and at which pace the clients of a takeover do.
SMALL = 2_000
WATCH_PER_SECOND = 500
# A takeover is looked at by clients that are already trading.
WATCH_WARM = 1.0
TAKEOVER_PATIENCE = 60
# After so many events a partition stores snapshots (journal.snapshot_events); all of them together
# take so long at most.
TAIL_EVENTS = 100_000
STORING_PATIENCE = 180
# What a node says of a partition that it takes over, in this order.
STEPS = {"read_ms": "A partition is read.", "running_ms": "A partition is running."}


class Sizes:
    """How large a run is."""

    def __init__(self, options):
        is_quick = options.quick
        self.accounts = options.accounts or (50_000 if is_quick else 1_000_000)
        self.active = max(1, self.accounts // 10)
        self.kills = options.kills or (2 if is_quick else 5)
        self.seeds, self.steps = (40, 2_000) if is_quick else (200, 5_000)


class Scale:
    """The measures; what they share is kept from round to round."""

    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.sizes = Sizes(options)
        self.crowd = None
        self.open = []
        self.made = 0
        self.known_accounts = None

    def close(self):
        """Ends every process that a measure left."""
        for thing in reversed(self.open):
            thing.close()
        self.open.clear()
        self.crowd = None

    def fresh(self, name):
        """A directory that nobody has used."""
        self.made += 1
        return self.directory / f"{name}-{self.made}"

    def service_on(self, count, phases):
        """The service of `service_bench` on so many instances; the last may be killed by it."""
        directory = self.fresh("quorum")
        instances = [cluster.Redis(directory / f"redis-{i}") for i in range(count)]
        try:
            arguments = ["--data", str(directory / "service"), "--phases", phases,
                         "--seconds", str(self.options.seconds)]
            for instance in instances:
                arguments += ["--redis", instance.socket,
                              "--redis-process", str(instance.process.pid)]
            return cluster.run("service_bench", *arguments)
        finally:
            for instance in instances:
                instance.stop()

    def quorum(self):
        """The same load on one instance and on three."""
        return {"quorum.one": self.service_on(1, "one")["one"],
                "quorum.three": self.service_on(3, "one")["one"]}

    def one_down(self):
        """One of three is killed while clients trade, and stays dead."""
        return {"one_down": self.service_on(3, "down")["down"]}

    def nodes(self):
        """One, two and three nodes on this machine, with the same clients spread over them."""
        figures = {}
        for count in (1, 2, 3):
            names = ("a", "b", "c")[:count]
            town = cluster.Cluster(self.fresh("nodes"), SMALL, SMALL, names)
            self.open.append(town)
            town.start(*names)
            figures[f"nodes.{count}"] = town.clients("--seconds", str(self.options.seconds))
            self.open.remove(town)
            town.close()
        return figures

    def many(self):
        """The store with many accounts; made once."""
        if self.crowd is None:
            self.crowd = cluster.Cluster(self.fresh("crowd"), self.sizes.accounts,
                                         self.sizes.active, ("a", "b"))
            self.open.append(self.crowd)
        return self.crowd

    def accounts(self):
        """Memory of a node that knows all and has traded with some; measured once."""
        if self.known_accounts is None:
            town = self.many()
            town.start_alone()
            idle, _ = town.nodes["alone"].memory()
            visit = town.clients("--mode", "visit")
            if visit["cleared"] != self.sizes.active:
                raise Failure("the accounts that were to be active", json.dumps(visit["refused"]),
                              "look into the node's log")
            # What is stored meanwhile is part of it; and a takeover finds no longer a tail than a
            # node that goes on lets stand.
            cluster.wait_until(lambda: town.nodes["alone"].tail() < TAIL_EVENTS,
                               "snapshots of what was traded", STORING_PATIENCE)
            active, most = town.nodes["alone"].memory()
            self.known_accounts = {
                "known": self.sizes.accounts, "active": self.sizes.active,
                "known_bytes": idle, "active_bytes": active, "most_bytes": most,
                "redis_bytes": town.redis.memory(),
                "core": town.made["core"], "house": town.made["house"],
                "made_in_ms": town.made["made_in_ms"]}
            town.stop_nodes()
        return {"accounts": self.known_accounts}

    def takeover(self):
        """Owners are killed, each time the one with the brokers' home."""
        town = self.many()
        town.start("a", "b")
        samples = [sample for _ in range(self.sizes.kills) for sample in take_over(town)]
        town.stop_nodes()
        return {"takeover": {"samples": samples,
                             "refused": sum(sample["refused"] for sample in samples)}}

    def sim(self):
        """Steps a second over all workers."""
        begun = time.monotonic()
        done = subprocess.run(
            [cluster.build_of("tests/crossclear_sim"), "--seeds", str(self.sizes.seeds),
             "--steps", str(self.sizes.steps), "--from", "1"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
        took = time.monotonic() - begun
        last = done.stdout.strip().splitlines()[-1:] or [""]
        if done.returncode != 0:
            raise Failure("the simulator", last[0] or done.stderr.strip(), "./dev sim --help")
        return {"sim": {"per_second": self.sizes.seeds * self.sizes.steps / took}}


def take_over(town):
    """Kills one owner and brings it back; returns one sample a partition."""
    victim = town.redis.leases()[0][0]
    survivor = next(name for name in town.nodes if name != victim)
    watch = cluster.Watch(town, town.nodes[survivor], WATCH_PER_SECOND)
    time.sleep(WATCH_WARM)
    told = len(town.nodes[survivor].lines)
    killed_at = time.monotonic()
    town.nodes.pop(victim).kill()
    ends = {partition: end for partition, (holder, end) in town.redis.leases().items()
            if holder == victim}
    first = cluster.wait_until(lambda: answered_by(watch, killed_at, ends),
                               f"first answers of partitions {sorted(ends)}", TAKEOVER_PATIENCE)
    reasons = watch.stop().get("refused", {})
    steps = steps_of(town.nodes[survivor].lines[told:])
    town.start(victim)
    samples = []
    for partition, end in sorted(ends.items()):
        samples.append({"partition": partition,
                        "from_expiry_ms": (first[partition] - end) * 1e3,
                        "from_kill_ms": (first[partition] - killed_at) * 1e3,
                        "refused": 0 if samples else sum(reasons.values()),
                        "refused_for": {} if samples else reasons,
                        **{name: (steps[partition, name] - end) * 1e3 for name in STEPS
                           if (partition, name) in steps}})
    return samples


def answered_by(watch, since, partitions):
    """The first answers since then, once there is one of each partition."""
    first = watch.first_answers(since)
    return first if partitions.keys() <= first.keys() else None


def steps_of(lines):
    """(Partition, step) -> when it was done, as the node's log says; on the monotonic clock."""
    offset = time.monotonic() - time.time()
    steps = {}
    for line in lines:
        for name, sentence in STEPS.items():
            if f'"{sentence}"' in line:
                fields = json.loads(line)
                at = datetime.datetime.fromisoformat(fields["at"].replace("Z", "+00:00"))
                steps[int(fields["partition"]), name] = at.timestamp() + offset
    return steps
