#!/usr/bin/env python3
"""Goal: whoever keeps a hedge task's hash can check its schedule afterwards, with nothing of ours.

A client without a login follows a broker's channel while the demo trades. For every task that it
saw committed and then revealed, the hash of the text, and of the text made anew from the members,
must be the one that was published first; and the commitment must have come before the first slice.
"""

import asyncio
import hashlib
import os
import sys
import tempfile
from decimal import Decimal

sys.path.insert(0, os.path.dirname(__file__))
from service import Client, Demo  # noqa: E402

CHANNEL = "broker.0.transparency"
WANTED = 3


def text_of(hedge, instruments, shards):
    """The schedule's text, from the members alone; docs/transparency.md says how."""
    schedule = hedge["schedule"]
    symbols = [instrument["instrument"] for instrument in instruments]
    number = symbols.index(schedule["instrument"])
    scale = instruments[number]["quantity_decimals"]

    def units(text, decimals):
        value = Decimal(text).scaleb(decimals)
        assert value == int(value), text
        return int(value)

    lines = ["crossclear hedge schedule 1", f"task hedge/{hedge['task']}", f"instrument {number}",
             f"shard {shards.index(schedule['shard'])}",
             f"quantity {units(schedule['quantity'], scale)}",
             f"bound {units(schedule['bound'], 9)}", f"deadline_us {schedule['deadline']}"]
    lines += [f"slice {units(piece['quantity'], scale)} at_us {piece['time']}"
              for piece in schedule["slices"]]
    return "".join(line + "\n" for line in [*lines, f"salt {hedge['salt']}"])


def check(hedge, committed, instruments, shards):
    schedule = hedge["schedule"]
    assert hedge["hash"] == committed["hash"], (hedge, committed)
    for text in (schedule["text"], text_of(hedge, instruments, shards)):
        assert hashlib.sha256(text.encode()).hexdigest() == committed["hash"], (text, hedge)
    assert committed["time"] <= schedule["slices"][0]["time"], hedge
    assert sum(Decimal(piece["quantity"]) for piece in schedule["slices"]) == \
        Decimal(schedule["quantity"]), hedge


async def watch(port):
    """Returns the tasks that were checked, with their hashes."""
    client = await Client.connect(port)
    instruments = (await client.call("public/get_instruments"))["result"]["instruments"]
    shards = [shard["shard"] for shard in
              (await client.call("public/get_shards"))["result"]["shards"]]
    answer = await client.call("public/subscribe", channels=[CHANNEL, "broker.9999.transparency"])
    assert answer["result"]["channels"] == [CHANNEL], answer
    committed, checked, last = {}, {}, None
    while len(checked) < WANTED:
        params = (await asyncio.wait_for(client.receive(), 120))["params"]
        assert params["channel"] == CHANNEL, params
        assert last is None or params["prev_seq"] == last, params
        last = params["seq"]
        for hedge in params["data"]["hedges"]:
            assert "account" not in hedge and "trade" not in str(hedge.keys()), hedge
            if hedge["kind"] == "hedge_committed":
                assert "salt" not in hedge and "schedule" not in hedge, hedge
                committed[hedge["task"]] = hedge
            elif hedge["task"] in committed:
                check(hedge, committed[hedge["task"]], instruments, shards)
                checked[hedge["task"]] = hedge["hash"]
    await client.socket.close()
    return checked


async def snapshot(port):
    client = await Client.connect(port)
    await client.call("public/subscribe", channels=[CHANNEL])
    params = (await asyncio.wait_for(client.receive(), 60))["params"]
    await client.socket.close()
    return params


def main():
    with tempfile.TemporaryDirectory(prefix="crossclear-transparency-") as data:
        demo = Demo(data, "--accounts", "20", "--rate", "100")
        try:
            checked = asyncio.run(watch(demo.wait_until_trading()))
            demo.kill()
            demo = Demo(data, "--accounts", "20", "--rate", "1")
            again = asyncio.run(snapshot(demo.wait_until_trading()))
            status, line = demo.finish()
            assert status == 0, (status, line, demo.lines[-20:])
        finally:
            demo.kill()
        assert again["is_snapshot"], again
        known = {hedge["task"]: hedge["hash"] for hedge in again["data"]["hedges"]}
        assert checked.items() <= known.items(), (checked, known)
    print(f"{len(checked)} schedules are what was committed to")


if __name__ == "__main__":
    main()
