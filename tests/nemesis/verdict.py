"""Everything that was told is looked for afterwards."""

import dataclasses

from answers import compare, decisions_of, dump_of
from cluster import stream_of
from service import run


@dataclasses.dataclass
class Verdict:
    """What cannot be, each a sentence."""

    acknowledged: int = 0
    lost: list = dataclasses.field(default_factory=list)     # told, and not in the journal
    changed: list = dataclasses.field(default_factory=list)  # told otherwise than it is there
    forks: list = dataclasses.field(default_factory=list)    # two histories
    broken: list = dataclasses.field(default_factory=list)   # books, audit, processes

    def is_clean(self):
        return not (self.lost or self.changed or self.forks or self.broken)


def hold_against(verdict, ledger, config):
    """Every answer against the journal; returns what is there, and what the reading said."""
    lines, trouble = dump_of("--config", config)
    found = decisions_of(lines)
    lost, changed = compare(ledger, found)
    verdict.lost += lost
    verdict.changed += changed
    return found, trouble


def histories(instance, partitions):
    """For each partition, the log an instance holds, sequence -> digest: each owner's run up to
    the next one's. Read from Redis itself, apart from what the program makes of it."""
    script = """
        local answer = {}
        for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
            local digest = string.gsub(entry[2][4], '.', function(c)
                return string.format('%02x', string.byte(c))
            end)
            answer[#answer + 1] = entry[1] .. ' ' .. digest
        end
        return table.concat(answer, '\\n')
    """
    logs = []
    for partition in range(partitions):
        text = instance.command("EVAL", script, "1", stream_of(partition))
        log = {}
        for line in text.splitlines():
            place, digest = line.split()
            sequence = int(place.split("-")[1])
            if sequence in log:  # A later owner began here: what follows was abandoned.
                for abandoned in [known for known in log if known >= sequence]:
                    del log[abandoned]
            log[sequence] = digest
        logs.append(log)
    return logs


def find_forks(verdict, instances, partitions):
    """Two instances that both count hold one history, as far as both hold it."""
    logs = {one.name: histories(one, partitions) for one in instances}
    first, *others = logs
    for other in others:
        for partition in range(partitions):
            one, two = logs[first][partition], logs[other][partition]
            differing = [sequence for sequence in one.keys() & two.keys()
                         if one[sequence] != two[sequence]]
            if differing:
                verdict.forks.append(f"partition {partition}: {first} and {other} differ from "
                                     f"record {min(differing)} on")


def judge(config, ledger, instances, partitions):
    """After nodes and world have ended; every instance runs and was whole."""
    verdict = Verdict(acknowledged=len(ledger.told) + len(ledger.refused),
                      changed=list(ledger.changed), forks=list(ledger.forks))
    _, trouble = hold_against(verdict, ledger, config)
    if trouble is not None:
        verdict.broken.append(trouble)
    find_forks(verdict, instances, partitions)
    status, out = run("audit", "--config", config)
    if status != 0 or "audit ok" not in out:
        verdict.broken.append(f"the audit: {out.strip()[-500:]}")
    if not ledger.told:
        verdict.broken.append("nobody was ever answered: nothing is proved")
    return verdict
