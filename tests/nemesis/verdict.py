"""Everything that was told is looked for afterwards."""

import collections
import dataclasses
import json

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


def novated(config):
    """What the journal says of every trade: command id -> entries; and what the reading said."""
    status, dump = run("journal", "dump", "--config", config)
    found = collections.defaultdict(list)
    for line in dump.splitlines():
        if '"account.TradeNovated"' in line:
            entry = json.loads(line)
            found[entry["command"]].append(entry)
    return found, None if status == 0 else f"the journal cannot be read: {dump[-500:]}"


def compare(verdict, ledger, found):
    """Every answer with the journal."""
    for command, (account, result) in ledger.told.items():
        entries = found.get(command, [])
        if not entries:
            verdict.lost.append(f"{command}: told {result['trade_id']}, nothing is there")
        for entry in entries:
            there = f"{entry['entity'].removeprefix('account/')}-t{entry['number']}"
            if there != result["trade_id"]:
                verdict.changed.append(f"{command}: told {result['trade_id']}, {there} is there")
    for command, entries in found.items():
        if len(entries) > 1:
            verdict.changed.append(f"{command} took effect {len(entries)} times")
        if command in ledger.refused:
            verdict.changed.append(
                f"{command}: refused ({ledger.refused[command][1]}) and took effect")


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
    verdict = Verdict(acknowledged=len(ledger.told), changed=list(ledger.changed),
                      forks=list(ledger.forks))
    found, trouble = novated(config)
    if trouble is not None:
        verdict.broken.append(trouble)
    compare(verdict, ledger, found)
    find_forks(verdict, instances, partitions)
    status, out = run("audit", "--config", config)
    if status != 0 or "audit ok" not in out:
        verdict.broken.append(f"the audit: {out.strip()[-500:]}")
    if not ledger.told:
        verdict.broken.append("nobody was ever answered: nothing is proved")
    return verdict
