"""What clients were told of their commands, and whether a journal says the same.

No client here uses an id for two commands, on whatever account.
"""

import collections
import decimal
import json

from service import run

# How an answer writes the number that an event gave.
LETTERS = {"account.TradeNovated": "t", "account.WithdrawalHeld": "w", "account.TransferSent": "x"}
REFUSED = "account.CommandRefused"
RESERVED = "account.MatchReserved"
# What no moment changes is refused without a record: a repeat is refused as well.
UNWRITTEN = ("id_reused_with_other_body", "id_too_old", "quantity_must_be_positive",
             "receiver_not_allowed", "counterparty_not_allowed")
MINOR_UNITS = 6  # decimals of the token that fees are paid in


def given_id(result):
    """The id of what was granted: a trade's, a withdrawal's or a transfer's."""
    return next(value for name, value in result.items() if name.endswith("_id"))


class Answers:
    """All that was ever told, and what cannot be true of it."""

    def __init__(self):
        self.told = {}     # command id -> (account, the answer's result)
        self.refused = {}  # command id -> (account, the answer's error); final
        self.numbers = {}  # id of what was granted -> command id
        self.changed = []
        self.forks = []

    def hear(self, command, account, answer):
        """Takes a reply; returns whether it was an end, and not to be asked again."""
        error = answer.get("error")
        if error is None:
            self.tell(command, account, answer["result"])
        elif not error["data"]["retryable"]:
            self.refuse(command, account, error)
        return error is None or not error["data"]["retryable"]

    def tell(self, command, account, result):
        self._note(self.told, command, account, result)
        if command in self.refused:
            self.changed.append(f"{command}: refused, and granted")
        other = self.numbers.setdefault(given_id(result), command)
        if other != command:
            self.forks.append(f"{given_id(result)}: told of {other} and of {command}")

    def refuse(self, command, account, error):
        self._note(self.refused, command, account, error)
        if command in self.told:
            self.changed.append(f"{command}: granted, and refused")

    def _note(self, answers, command, account, answer):
        first = answers.setdefault(command, (account, answer))
        if first != (account, answer):
            self.changed.append(f"{command}: told {json.dumps(first[1])}, "
                                f"then {json.dumps(answer)}")


def dump_of(*where):
    """The journal's lines; and what is wrong with reading it, or None."""
    status, dump = run("journal", "dump", *where)
    return dump.splitlines(), None if status == 0 else f"the journal cannot be read: {dump[-500:]}"


def decisions_of(lines):
    """Everything that was decided, whoever asked: command id -> entries."""
    found = collections.defaultdict(list)
    for line in lines:
        if '"command"' in line:
            entry = json.loads(line)
            found[entry["command"]].append(entry)
    return found


def what_is_there(entry):
    """As an answer would call it."""
    account = entry["entity"].removeprefix("account/")
    if entry["event"] == REFUSED:
        return f"a refusal of {account}"
    return f"{account}-{LETTERS.get(entry['event'], entry['event'])}{entry['number']}"


def fee_in(entry):
    return -sum(posting["amount"] for posting in entry["postings"]
                if posting["account"] == "FEE_INCOME")


def compare_granted(command, result, entries):
    """What is wrong with one answer, as sentences."""
    for entry in entries:
        if what_is_there(entry) != given_id(result):
            yield f"{command}: told {given_id(result)}, {what_is_there(entry)} is there"
        elif "fee" in result:
            told = int(decimal.Decimal(result["fee"]).scaleb(MINOR_UNITS))
            if told != fee_in(entry):
                yield f"{command}: told a fee of {told}, {fee_in(entry)} was booked"


def compare(answers, found):
    """Holds every answer against the journal; returns what is lost and what is otherwise there."""
    lost, changed = [], []
    for command, (_, result) in answers.told.items():
        if command not in found:
            lost.append(f"{command}: told {given_id(result)}, nothing is there")
        changed.extend(compare_granted(command, result, found.get(command, [])))
    for command, (account, error) in answers.refused.items():
        reason = error["data"]["reason"]
        if command not in found and reason not in UNWRITTEN:
            lost.append(f"{command}: refused ({reason}), nothing is there")
        changed.extend(f"{command}: refused ({reason}), {what_is_there(entry)} is there"
                       for entry in found.get(command, [])
                       if what_is_there(entry) != f"a refusal of {account}")
    return lost, changed + doubles_in(found)


def doubles_in(found):
    """Commands that took effect more than once, whoever sent them."""
    doubles = []
    for command, entries in found.items():
        places = [(entry["entity"], entry["event"]) for entry in entries]
        # A matched trade is reserved, and cleared on the account of each side.
        is_matched = RESERVED in {event for _, event in places}
        if len(places) > (len(set(places)) if is_matched else 1):
            doubles.append(f"{command} took effect {len(places)} times: {places}")
    return doubles


def gaps_in(found):
    """Accounts whose trades, withdrawals or transfers are not numbered 1, 2, 3 ... to the last."""
    numbers = collections.defaultdict(list)
    for entries in found.values():
        for entry in entries:
            if entry["event"] != REFUSED:
                numbers[entry["entity"], entry["event"]].append(entry["number"])
    return [f"{entity}, {event}: numbers {sorted(given)}"
            for (entity, event), given in numbers.items()
            if sorted(given) != list(range(1, len(given) + 1))]


def check_answers_can_fail():
    granted, other, error = {"trade_id": "0-1-t1"}, {"trade_id": "0-1-t2"}, {"data": {"reason": ""}}
    stories = {
        "another answer": lambda one: (one.tell("a", "0-1", granted), one.tell("a", "0-1", other)),
        "granted, then refused": lambda one: (one.tell("a", "0-1", granted),
                                              one.refuse("a", "0-1", error)),
        "refused, then granted": lambda one: (one.refuse("a", "0-1", error),
                                              one.tell("a", "0-1", granted)),
        "one number for two": lambda one: (one.tell("a", "0-1", granted),
                                           one.tell("b", "0-1", granted))}
    for name, tell in stories.items():
        answers = Answers()
        tell(answers)
        assert answers.changed or answers.forks, f"not noticed: {name}"


def doctored(answers, lines):
    """Journals that cannot be, made of one that can: what it is, its lines, and who must see it."""
    def is_lost(found):
        return compare(answers, found)[0]

    def is_changed(found):
        return [said for said in compare(answers, found)[1] if said not in doubles_in(found)]

    entries = [json.loads(line) if '"command"' in line else None for line in lines]
    own = answers.told.keys() | answers.refused.keys()

    def pick(event, is_own=True):
        places = [index for index, entry in enumerate(entries) if entry is not None and
                  entry["event"] == event and (entry["command"] in own) == is_own]
        assert places, f"no {event} with which to show that a loss is noticed"
        return places[len(places) // 2]

    def altered(index, **members):
        return [*lines[:index], json.dumps({**entries[index], **members}), *lines[index + 1:]]

    for event in (*LETTERS, REFUSED):
        at = pick(event)
        yield f"{event} lost", [*lines[:at], *lines[at + 1:]], is_lost
        yield f"{event} twice", [*lines, lines[at]], doubles_in
        yield f"{event} on another account", altered(at, entity="account/0-99"), is_changed
    for event in LETTERS:
        at = pick(event)
        number = entries[at]["number"]
        yield f"{event} with another number", altered(at, number=number + 1), is_changed
        yield f"{event} refused", altered(at, event=REFUSED, number=0), is_changed
    yield "a refusal granted", altered(pick(REFUSED), event=next(iter(LETTERS))), is_changed
    yield "no fee", altered(pick("account.TradeNovated"), postings=[]), is_changed
    at = pick("account.TradeNovated", is_own=False)
    again = {**entries[at], "number": entries[at]["number"] + 1, "entity": "account/1-99"}
    yield "a stranger's trade twice", [*lines, json.dumps(again)], doubles_in
    again = {**entries[at], "command": "another"}
    yield "a stranger's number twice", [*lines, json.dumps(again)], gaps_in


def check_comparison_can_fail(answers, lines):
    """Each must be noticed by the very look that is for it: or the comparison proves nothing."""
    check_answers_can_fail()
    for name, journal, look in doctored(answers, lines):
        assert look(decisions_of(journal)), f"not noticed: {name}"
