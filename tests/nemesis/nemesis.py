#!/usr/bin/env python3
"""Real redis-servers and real nodes under the load of clients, and whatever can befall them."""

import argparse
import asyncio
import collections
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import place  # noqa: E402

ROUND_SECONDS = 300  # a fresh cluster after that long, so that judging it stays short
SERVED_WITHIN = 90   # seconds from the end of a bout until every account has an answer

DESCRIPTION = """\
Starts three nodes on three redis-servers, lets clients trade on all of them, and harms both at
random: kill -9, SIGSTOP, a cut network, power loss (the append-only file is cut to what was
synced), full and failing and slow disks, clocks that jump by hours, all Redis gone at once, one
emptied. After each bout every client has to be served again. At the end every answer that any
client was ever given is looked for in the journal, the instances' own logs are compared, and the
audit has to hold.

faults:
  one Redis:  {instance}
  one node:   {node}
  all at once: {wide}

controls, which must lose what was acknowledged, or the nemesis proves nothing:
  everysec        the instances sync once a second, and lose power before anybody notices
  quorum-of-one   a program whose appends count when one of three holds them

The last line is `nemesis minutes=.. instance_kills=.. ... lost=0 changed=0 forks=0`. The status is
0 only if nothing was lost or changed, no history forked, every audit held and nobody was left
waiting. A control's status is 0 only if something was lost.
"""
EXAMPLES = """\
examples:
  ./dev nemesis                         five minutes, as CI does
  ./dev nemesis --minutes 30 --seed 7   longer; the same choices as any other run of seed 7
  ./dev nemesis --kills 5000            until 5,000 instances and 1,000 nodes were stopped
  ./dev nemesis --faults power_loss,owner_kill --redis 1
  ./dev nemesis --control everysec
"""


def parse():
    import faults
    parser = argparse.ArgumentParser(
        prog="./dev nemesis", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=DESCRIPTION.format(instance=", ".join(faults.INSTANCE_FAULTS),
                                       node=", ".join(faults.NODE_FAULTS),
                                       wide=", ".join(faults.WIDE_FAULTS)), epilog=EXAMPLES)
    parser.add_argument("--minutes", type=float, default=5, help="of harm (default: 5)")
    parser.add_argument("--kills", type=int, metavar="N",
                        help="in place of --minutes: until N instances were killed, and a fifth of "
                             "that in nodes killed or paused")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32),
                        help="decides every choice (default: drawn, and printed)")
    parser.add_argument("--faults", default=",".join(faults.ALL), help="which, with commas "
                        "(default: all)")
    parser.add_argument("--nodes", type=int, default=3, help="1 to 7 (default: 3)")
    parser.add_argument("--redis", type=int, default=3, help="1, 3, 5 or 7 (default: 3)")
    parser.add_argument("--control", choices=("everysec", "quorum-of-one"),
                        help="do what must lose answers, and fail unless it does")
    parser.add_argument("--keep", metavar="DIR", help="leave data and logs of a failed round there")
    options = parser.parse_args()
    options.faults = options.faults.split(",")
    unknown = set(options.faults) - set(faults.ALL)
    if unknown:
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    if options.redis % 2 == 0 or not 1 <= options.redis <= 7 or not 1 <= options.nodes <= 7:
        parser.error("an odd number of Redis, and 1 to 7 nodes")
    return options


def say(started, text):
    print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)


class Run:
    """Rounds, until time or kills are reached."""

    def __init__(self, options):
        self.options = options
        self.started = time.monotonic()
        self.counts = collections.Counter()
        self.total = collections.Counter()

    def say(self, text):
        say(self.started, text)

    def is_enough(self, counts):
        """Of harm."""
        if self.options.kills is None:
            return counts["seconds"] >= self.options.minutes * 60
        stopped = counts["owner_kills"] + counts["owner_pauses"]
        return counts["instance_kills"] >= self.options.kills and \
            stopped >= self.options.kills // 5

    async def harm(self, cluster, crowd, nemesis):
        begun = time.monotonic()
        bout = 0
        while True:
            counts = self.counts + nemesis.counts
            counts["seconds"] += time.monotonic() - begun
            if self.is_enough(counts) or time.monotonic() - begun > ROUND_SECONDS:
                break
            bout += 1
            nemesis.done = []
            await asyncio.gather(*nemesis.draw())
            await asyncio.to_thread(cluster.mend)
            mended = time.monotonic()
            try:
                await crowd.wait_for_each(1, SERVED_WITHIN)
            except AssertionError:
                self.say(f"bout {bout}: {'; '.join(nemesis.done)}")
                raise
            self.say(f"bout {bout}: {'; '.join(nemesis.done)}. Everyone is served after "
                     f"{time.monotonic() - mended:.1f} s, {len(crowd.ledger.told)} answers")
        nemesis.counts["seconds"] = time.monotonic() - begun
        nemesis.counts["bouts"] = bout

    async def story(self, cluster, seed):
        from cluster import ACCOUNTS
        from faults import Nemesis
        from traders import Crowd
        crowd = Crowd(cluster, ACCOUNTS, lambda account: random.Random(f"{seed} {account}"))
        nemesis = Nemesis(cluster, random.Random(f"{seed} faults"), self.options.faults)
        crowd.start()
        try:
            await crowd.wait_for_each(3, SERVED_WITHIN)
            await self.harm(cluster, crowd, nemesis)
            await asyncio.to_thread(cluster.wait_until_whole)
            await crowd.stop()
        finally:
            self.counts += nemesis.counts
            await crowd.stop(do_abort=True)
        return crowd.ledger

    def round(self, place_, shim, number):
        """One cluster from its first start to its audit; returns whether all was well."""
        from cluster import PARTITIONS, Cluster
        from verdict import judge
        seed = f"{self.options.seed}.{number}"
        verdict = None
        with tempfile.TemporaryDirectory(prefix="crossclear-nemesis-") as data:
            cluster = Cluster(place_, data, shim, self.options.nodes, self.options.redis)
            try:
                cluster.start()
                ledger = asyncio.run(self.story(cluster, seed))
                wrong = cluster.finish()
                verdict = judge(cluster.config, ledger, cluster.instances, PARTITIONS)
                verdict.broken += wrong
            except BaseException as failure:
                self.tell_logs(cluster)
                if not isinstance(failure, AssertionError):
                    raise
                self.total["broken"] += 1
                self.say(f"round {number} broke: {failure}")
                return False
            finally:
                if verdict is None or not verdict.is_clean():
                    self.keep(cluster)
                cluster.drop()
        for kind in ("lost", "changed", "forks", "broken"):
            found = getattr(verdict, kind)
            self.total[kind] += len(found)
            for sentence in found[:10]:
                self.say(f"{kind}: {sentence}")
        self.total["acknowledged"] += verdict.acknowledged
        self.total["reads"] += ledger.reads
        self.total["refused"] += len(ledger.refused)
        self.say(f"round {number}: {verdict.acknowledged} answers looked for, "
                 f"{len(ledger.refused)} of them refusals, {ledger.reads} reads; turned away "
                 f"{dict(ledger.turned_away)}")
        return verdict.is_clean()

    def tell_logs(self, cluster):
        for node in cluster.nodes:
            if node.service is not None:
                print(f"--- {node.name}", *node.service.lines[-40:], sep="\n", file=sys.stderr)

    def keep(self, cluster):
        """For whoever wants to look: logs and files, before they are dropped."""
        if self.options.keep is None:
            return
        os.makedirs(self.options.keep, exist_ok=True)
        for instance in cluster.instances:
            shutil.copytree(instance.directory, os.path.join(self.options.keep, instance.name),
                            dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
        for node in cluster.nodes:
            if node.service is not None:
                with open(os.path.join(self.options.keep, f"{node.name}.log"), "w",
                          encoding="utf-8") as file:
                    file.write("\n".join(node.service.lines))

    def summary(self):
        counts, total = self.counts, self.total
        names = ("instance_kills", "instance_pauses", "owner_kills", "owner_pauses", "cuts",
                 "power_losses", "bytes_dropped", "full_disks", "failing_disks", "slow_disks",
                 "clock_jumps", "all_redis_gone", "instances_emptied", "world_kills")
        return " ".join([f"nemesis minutes={counts['seconds'] / 60:.1f} seed={self.options.seed}",
                         *(f"{name}={counts[name]}" for name in names),
                         *(f"{name}={total[name]}" for name in
                           ("acknowledged", "reads", "broken", "lost", "changed", "forks"))])


def main():
    options = parse()
    if f"--seed={options.seed}" not in sys.argv:
        sys.argv.append(f"--seed={options.seed}")  # Inside it is the same, and told.
    place.enter()
    print(f"seed {options.seed}; replay: ./dev nemesis {' '.join(sys.argv[1:])}", file=sys.stderr)
    from control import build_shim
    with tempfile.TemporaryDirectory(prefix="crossclear-shim-") as directory:
        shim = build_shim(directory)
        where = place.Place()
        if options.control is not None:
            import controls
            sys.exit(controls.run(options, where, shim))
        run, is_clean, number = Run(options), True, 0
        while is_clean and not run.is_enough(run.counts):
            number += 1
            is_clean = run.round(where, shim, number)
    print(run.summary())
    sys.exit(0 if is_clean else 1)


if __name__ == "__main__":
    main()
