"""Is there an order in which one account could have done all this? A search after Wing and Gong.

The account is a counter and a position: a trade takes the next number and moves the position, a
read sees one of the two. An operation takes effect at one moment between its invocation and its
return; one whose outcome nobody knows never returned, so it may take effect at any moment, or at
none. Reads change nothing, so one that fits the state is put at once; only trades make the search
branch.
"""

import dataclasses
import math

STEPS_MAX = 1_000_000


@dataclasses.dataclass
class Operation:
    kind: str                   # "trade", "count" or "position"
    invoked: float
    returned: float = math.inf  # never: nobody knows whether it took effect
    size: int = 0               # of a trade, signed
    value: int | None = None    # the number a trade was given, or what a read saw
    sequence: int = 0           # the account's version, as the answer told it


def after(operation, state):
    """The state after the operation, or None where it cannot have happened in this one."""
    count, position = state
    if operation.kind == "trade":
        is_next = operation.value in (None, count + 1)
        return (count + 1, position + operation.size) if is_next else None
    seen = count if operation.kind == "count" else position
    return state if operation.value == seen else None


def candidates(operations, done, first):
    """Indices of those that may come next: nobody else returned before they were invoked."""
    found, earliest = [], math.inf
    for index in range(first, len(operations)):
        if done >> index & 1:
            continue
        if operations[index].invoked > earliest:
            break
        found.append(index)
        earliest = min(earliest, operations[index].returned)
    return found, earliest


def is_linearizable(operations, start=(0, 0)):
    operations = sorted(operations, key=lambda one: one.invoked)
    branches, tried = [(0, 0, start)], set()
    for _ in range(STEPS_MAX):
        if not branches:
            return False
        done, first, state = branches.pop()
        while first < len(operations) and done >> first & 1:
            first += 1
        open_ones, earliest = candidates(operations, done, first)
        if earliest == math.inf:
            return True  # Whatever is left never returned.
        fits = [(index, after(operations[index], state)) for index in open_ones]
        fits = [(index, then) for index, then in fits if then is not None]
        reads = [index for index, _ in fits if operations[index].kind != "trade"]
        if reads:
            for index in reads:
                done |= 1 << index
            branches.append((done, first, state))
            continue
        if (done, state) in tried:
            continue
        tried.add((done, state))
        # Those whose outcome is known are tried first.
        fits.sort(key=lambda fit: operations[fit[0]].value is not None)
        branches.extend((done | 1 << index, first, then) for index, then in fits)
    raise AssertionError("the search gave up: the history is too tangled to be judged")


def step_back(operations):
    """An answer with a lower version than one that had returned before it was asked for."""
    told = sorted((one for one in operations if one.sequence), key=lambda one: one.returned)
    highest, next_told = None, 0
    for one in sorted(told, key=lambda one: one.invoked):
        while next_told < len(told) and told[next_told].returned < one.invoked:
            if highest is None or told[next_told].sequence > highest.sequence:
                highest = told[next_told]
            next_told += 1
        if highest is not None and one.sequence < highest.sequence:
            return highest, one
    return None


def trade(invoked, returned, size, value):
    return Operation("trade", invoked, returned, size, value)


def count(invoked, returned, value, sequence=0):
    return Operation("count", invoked, returned, 0, value, sequence)


def position(invoked, returned, value):
    return Operation("position", invoked, returned, 0, value)


def unknown(invoked, size):
    return Operation("trade", invoked, math.inf, size, None)


GOOD = {
    "one after the other": [trade(0, 1, 5, 1), count(2, 3, 1), position(4, 5, 5)],
    "a read beside a trade sees it": [trade(0, 9, 5, 1), count(1, 2, 1)],
    "or does not": [trade(0, 9, 5, 1), count(1, 2, 0)],
    "unknown and never": [unknown(0, 5), count(10, 11, 0), trade(12, 13, 1, 1)],
    "unknown and late": [unknown(0, 5), count(10, 11, 0), position(12, 13, 5)],
    "the unknown one was the first": [unknown(0, 5), trade(1, 2, 3, 2), position(3, 4, 8)],
    "one of two unknown": [unknown(0, 5), unknown(0, 7), trade(1, 2, 1, 2), position(3, 4, 8)],
}
BAD = {
    "a stale read": [trade(0, 1, 5, 1), count(2, 3, 0)],
    "a stale position": [trade(0, 1, 5, 1), position(2, 3, 0)],
    "a number given twice": [trade(0, 1, 5, 1), trade(0, 1, 3, 1)],
    "a number left out": [trade(0, 1, 5, 2)],
    "a lost trade": [trade(0, 1, 5, 1), trade(2, 3, 5, 2), position(4, 5, 5)],
    "a trade that took effect twice": [trade(0, 1, 5, 1), position(2, 3, 10)],
    "a read from the future": [count(0, 1, 1), trade(2, 3, 5, 1)],
    "seen, and then not": [unknown(0, 5), count(1, 2, 1), count(3, 4, 0)],
    "counted, and not in the position": [unknown(0, 5), count(1, 2, 1), position(3, 4, 0)],
    "numbers against time": [trade(0, 1, 5, 2), trade(2, 3, 5, 1)],
}


def check_the_checker():
    for name, history in GOOD.items():
        assert is_linearizable(history), f"refused, though it is right: {name}"
    for name, history in BAD.items():
        assert not is_linearizable(history), f"not noticed: {name}"
    assert step_back([count(0, 1, 0, 7), count(2, 3, 0, 6)]), "a step back was not noticed"
    assert not step_back([count(0, 3, 0, 7), count(2, 4, 0, 6)]), "these were asked side by side"
