"""What is wanted of each measure, what was measured, and whether that is enough."""

import collections
import statistics

MIB = 1 << 20


def at(values, share):
    """The value that a share of all stays at or below."""
    ordered = sorted(values)
    return ordered[round((len(ordered) - 1) * share)]


class Goal:
    """One figure and its limit. `is_least`: at least so much, else at most."""

    def __init__(self, name, title, value, limit, unit="", is_least=False, spread=""):
        self.name, self.title, self.value, self.limit = name, title, value, limit
        self.unit, self.is_least, self.spread = unit, is_least, spread

    @property
    def is_met(self):
        """Whether it is enough."""
        return self.value >= self.limit if self.is_least else self.value <= self.limit

    def line(self):
        """For the table."""
        found = number(self.value) + self.unit
        wanted = f"{'at least' if self.is_least else 'at most'} {number(self.limit)}{self.unit}"
        verdict = "met" if self.is_met else "MISSED"
        return f"{self.title:44}{found:>12}   {wanted}: {verdict}" + \
            (f"   ({self.spread})" if self.spread else "")

    def as_json(self):
        """For whoever reads on."""
        return {"value": self.value, "limit": self.limit, "is_least": self.is_least,
                "is_met": self.is_met}


def number(value):
    """As many digits as say something."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2f}"


def of_rounds(rounds, name):
    """The figures of a measure, round by round."""
    return [figures[name] for figures in rounds if name in figures]


def takeover_samples(rounds):
    """Of all rounds together: one p99 needs them all."""
    return [sample for found in of_rounds(rounds, "takeover") for sample in found["samples"]]


def goals_of(rounds):
    """Every goal that this run has measured."""
    goals = []
    samples = takeover_samples(rounds)
    if samples:
        times = [sample["from_expiry_ms"] for sample in samples]
        goals.append(Goal("takeover", "takeover, from lease expiry to an answer, p99",
                          at(times, 0.99), 2_000, " ms",
                          spread=f"p50 {at(times, 0.5):,.0f}, most {max(times):,.0f}; "
                                 f"{len(times)} partitions"))
    three, one = of_rounds(rounds, "quorum.three"), of_rounds(rounds, "quorum.one")
    if three and one:
        ratios = [a["per_second"] / b["per_second"] for a, b in zip(three, one)]
        goals.append(Goal("quorum", "three Redis / one Redis", statistics.median(ratios), 0.5,
                          is_least=True,
                          spread=f"{min(ratios):.2f} to {max(ratios):.2f}"))
    down = of_rounds(rounds, "one_down")
    if down:
        failed = {}
        for figures in down:
            for reason, count in figures["refused"].items():
                failed[reason] = failed.get(reason, 0) + count
        goals.append(Goal("one_down", "commands that failed with one of three down",
                          sum(failed.values()), 0,
                          spread=", ".join(f"{count} {reason}" for reason, count in
                                           sorted(failed.items())) or
                          f"of {sum(figures['cleared'] for figures in down):,}"))
    for figures in of_rounds(rounds, "accounts")[:1]:
        goals.append(Goal("accounts", f"memory of a node, {figures['known']:,} known, "
                                      f"{figures['active']:,} active",
                          figures["most_bytes"] / MIB, 2_048, " MiB",
                          spread=f"before they were active {figures['known_bytes'] / MIB:,.0f}"))
    sim = of_rounds(rounds, "sim")
    if sim:
        speeds = [figures["per_second"] for figures in sim]
        goals.append(Goal("sim", "steps of the simulator a second", statistics.median(speeds),
                          100_000, is_least=True,
                          spread=f"{min(speeds):,.0f} to {max(speeds):,.0f}"))
    return goals + goals_of_settle(rounds) + goals_of_kernel(rounds)


# On chains: the figure, its key, the limit, whether that is the least, and by what it is divided.
SETTLE = (("trades", "per_second", 200, True, 1, "", "trades settled on chains a second"),
          ("orders", "per_second", 200, True, 1, "", "orders final a second, 64 open a lane"),
          ("paced", "ours_included_p99_us", 50, False, 1e3, " ms",
           "ours until it is in a block, a block each, p99"),
          ("paced", "ours_final_p99_us", 50, False, 1e3, " ms",
           "ours until it is final, a block each, p99"),
          ("clocked", "ours_included_p99_us", 50, False, 1e3, " ms",
           "ours until it is in a block, p99"),
          ("clocked", "ours_final_p99_us", 50, False, 1e3, " ms",
           "ours until it is final, p99"),
          ("steady", "growth", 3, False, 0.01, " %", "memory, last quarter over the second"))


def goals_of_settle(rounds):
    """What real chains are settled on with, where that was measured."""
    goals = []
    for phase, key, limit, is_least, unit, word, title in SETTLE:
        values = [figures[key] / unit for figures in of_rounds(rounds, f"settle.{phase}")]
        if values:
            goals.append(Goal(f"settle_{phase}_{key}", title, statistics.median(values), limit,
                              word, is_least=is_least,
                              spread=f"{min(values):,.1f} to {max(values):,.1f}"))
    return goals


def lines_of_settle(rounds):
    """Where the time of orders on chains goes, medians over the rounds."""
    for phase in ("orders", "paced", "clocked"):
        found = of_rounds(rounds, f"settle.{phase}")
        for key, title in (("handed_to_left", "handed over, until it is on its way"),
                           ("left_to_block", "until its node has a block with it"),
                           ("block_to_told", "until that is told"),
                           ("final_to_told", "its node has a final one, until that is told")):
            middle, most = (statistics.median(figures[f"{key}_{quantile}"] for figures in found)
                            if found else None for quantile in ("p50_us", "p99_us"))
            if middle is not None:
                yield (f"{phase + ': ' + title:54}{middle / 1e3:>8,.1f} ms   "
                       f"(p99 {most / 1e3:,.1f})")
    for figures in of_rounds(rounds, "settle.steady")[:1]:
        sizes = ", ".join(f"{figures[f'quarter_{i}_bytes'] / MIB:,.0f}" for i in (1, 2, 3, 4))
        yield (f"{'steady: memory by quarters':44}{sizes:>22} MiB   "
               f"({figures['per_second']:,.0f} trades and {figures['orders_per_second']:,.0f} "
               "orders a second)")


# Figure of `crossclear risk bench`, which of its quantiles, and the limit in microseconds.
KERNEL = (("assess", "p50_us", 2, "risk: an order of one leg, p50"),
          ("assess", "p99_us", 5, "risk: an order of one leg, p99"),
          ("rebuild", "p50_us", 25, "risk: an account of 100 positions, p50"),
          ("surface", "p50_us", 40_000, "risk: 1,000 options in 640 scenarios, p50"),
          ("recheck", "p50_us", 2_000_000, "risk: 100,000 accounts on a new surface, p50"))


# Of Google Benchmark, which tells no quantiles: the median of means, by its names for them.
GOOGLE = (("assess", 2, "risk: an order of one leg, mean"),
          ("rebuild/100", 25, "risk: an account of 100 positions, mean"),
          ("build_surface_of_options", 40_000, "risk: 1,000 options in 640 scenarios, mean"))


def goals_of_kernel(rounds):
    """How fast the risk kernel is, where that was measured."""
    goals = []
    for name, limit, title in GOOGLE:
        values = [figures["mean_us"] for figures in of_rounds(rounds, f"google.{name}")]
        if values:
            goals.append(Goal(f"google_{name}", title, statistics.median(values), limit, " us",
                              spread=f"{min(values):,.2f} to {max(values):,.2f}"))
    for name, key, limit, title in KERNEL:
        values = [figures[key] for figures in of_rounds(rounds, f"risk.{name}")]
        if values:
            goals.append(Goal(f"risk_{name}_{key}", title, statistics.median(values), limit, " us",
                              spread=f"{min(values):,.2f} to {max(values):,.2f}"))
    return goals


def lines_of_takeover(rounds):
    """Where the time of a takeover goes, medians and the most."""
    samples = takeover_samples(rounds)
    if not samples:
        return
    for key, title in (("from_kill_ms", "a killed owner, until another one answers"),
                       ("read_ms", "lease expired, until core and tail are read"),
                       ("running_ms", "lease expired, until it takes commands")):
        values = [sample[key] for sample in samples if key in sample]
        if values:
            yield f"{title:44}{statistics.median(values):>12,.0f} ms   (most {max(values):,.0f})"
    refused = collections.Counter()
    for sample in samples:
        refused.update(sample["refused_for"])
    why = ", ".join(f"{reason} {count:,}" for reason, count in refused.most_common())
    yield (f"{'commands refused meanwhile':44}{refused.total():>12,}"
           + (f"      ({why})" if why else ""))


def lines_of_accounts(rounds):
    """What the store and one node hold of many accounts."""
    for figures in of_rounds(rounds, "accounts")[:1]:
        grown = figures["active_bytes"] - figures["known_bytes"]
        yield f"{'node, bytes for each active account':44}{grown / figures['active']:>12,.0f}"
        yield (f"{'Redis, bytes for each known account':44}"
               f"{figures['redis_bytes'] / figures['known']:>12,.0f}")
        for part, title in (("core", "largest core of a partition"),
                            ("house", "largest house of a broker")):
            one = figures[part]
            yield (f"{title:44}{one['bytes'] / 1024:>12,.0f} KiB   (written in "
                   f"{one['encode_ms']:.1f} ms, read in {one['decode_ms']:.1f} ms)")
