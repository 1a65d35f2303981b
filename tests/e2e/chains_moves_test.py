#!/usr/bin/env python3
"""Goal: tokens go in, out and across real chains once, whatever blocks are replaced and services
killed meanwhile; what a vault does not pay comes back to its client.

A client pays four million in on one chain and takes them out on another, where its broker then has
less than it wants to: what is missing is moved over the bridge. Blocks of all chains are replaced
all the time, and the service is killed once the move has begun. Then payment on one chain and
delivery on another; a destination that no vault allows, and one that is none.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from chains import SKIPPED, Site  # noqa: E402
from service import BINARY, SOURCE, Client, Demo, run, uuid7  # noqa: E402

SEED = int(os.environ.get("CROSSCLEAR_SEED", str(random.randrange(1 << 32))))
MILLION = 1_000_000
AMOUNT = 4 * MILLION        # of the five that the broker has where it is taken out
PATIENCE_S = 120
PACE_S = 0.8             # between two blocks that are replaced
PAYMENT = 200_000
BOUGHT = 2              # sBTC
NOBODY = "0x00000000000000000000000000000000000000aa"


def client_of(site, *words):
    """What a client does on a chain, as chain_client.mjs says it; what that prints."""
    done = subprocess.run(
        ["node", os.path.join(SOURCE, "tests/e2e/chain_client.mjs"), site.file,
         os.path.join(os.path.dirname(BINARY), "artifacts"), *map(str, words)],
        capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Replacing:
    """Replaces the last block of one chain after the other until it ends."""

    def __init__(self, site, rng):
        self.is_over = False
        self.count = 0
        self.thread = threading.Thread(target=self.run, args=(site, rng), daemon=True)
        self.thread.start()

    def run(self, site, rng):
        while not self.is_over:
            site.replace_blocks(rng.choice(site.chains)["shard"])
            self.count += 1
            time.sleep(PACE_S)

    def end(self):
        self.is_over = True
        self.thread.join()


async def until(what, claim):
    """Asks until it is so; what it then was."""
    end = time.monotonic() + PATIENCE_S
    while True:
        found = await claim()
        if found:
            return found
        assert time.monotonic() < end, f"not within {PATIENCE_S} s: {what}"
        await asyncio.sleep(0.2)


async def log_in(demo):
    client = await Client.connect(demo.port)
    answer = await client.log_in("desk-0", "demo-desk-0-not-a-secret")
    assert "result" in answer, answer
    return client


async def held(client, asset="USDC"):
    """What a client may take out."""
    answer = await client.call("private/get_account", account="0-1")
    return sum(float(line["free"]) for line in answer["result"]["balances"]
               if line["asset"] == asset)


async def withdraw(client, amount, destination, shard="augur", asset="USDC"):
    return await client.call("private/withdraw", account="0-1", asset=asset, amount=str(amount),
                             shard=shard, destination=destination, client_id=uuid7())


async def delivers_against_payment(site, client):
    """What was paid in on one chain buys what is delivered on another: at once in the books."""
    shard = "synthetix"
    payee = site.chain(shard)["deployment"]["accounts"][1]

    async def has():
        return int(client_of(site, "balance", shard, "sBTC", payee))

    before, dollars, coins = await has(), await held(client), await held(client, "sBTC")
    answer = await client.call("private/submit_trade", account="0-1", instrument="sBTC", side="buy",
                               quantity=str(BOUGHT), limit_price="1000000", client_id=uuid7())
    assert answer["result"]["state"] == "novated", answer

    async def is_covered():
        return await held(client, "sBTC") >= coins + BOUGHT

    await until("what was bought is covered", is_covered)
    assert await held(client) < dollars, "nothing was paid"
    answer = await withdraw(client, BOUGHT, payee, shard, "sBTC")
    assert "result" in answer, answer

    async def is_delivered():
        return await has() - before == BOUGHT * 10 ** 18

    await until("it is delivered", is_delivered)
    await until("the delivery has ended", lambda: has_no_withdrawal(client))


async def has_no_withdrawal(client):
    answer = await client.call("private/get_withdrawals", account="0-1")
    return not answer["result"]["withdrawals"]


def events_of(data):
    status, out = run("journal", "dump", "--data", data)
    assert status == 0, out[-2000:]
    return [json.loads(one)["event"] for one in out.strip().splitlines()]


async def main_road(site, folder, rng):
    data = os.path.join(folder, "data")
    options = ("--chains", site.file, "--accounts", "3", "--rate", "2", "--trades", "0")
    payee = site.chain("augur")["deployment"]["accounts"][1]
    vaults = {chain["shard"]: chain["deployment"]["vaults"]["alpha"]["address"]
              for chain in site.chains}

    async def has(shard, whom):
        return int(client_of(site, "balance", shard, "USDC", whom)) / MILLION

    demo = Demo(data, *options)
    demo.wait_until_trading()
    client = await log_in(demo)
    # Whoever deposits here sends nothing again that a replaced block has lost.
    client_of(site, "deposit", "augur", "alpha", 1, "USDC", PAYMENT * MILLION)
    client_of(site, "deposit", "synthetix", "alpha", 1, "USDC", AMOUNT * MILLION)
    await until("the deposits are final", lambda: has_enough(client))
    replacing = Replacing(site, rng)
    paid_before = await has("augur", payee)
    rich_before = await has("synthetix", vaults["synthetix"])
    answer = await withdraw(client, AMOUNT, payee)
    assert "result" in answer, answer

    async def has_left():
        return await has("synthetix", vaults["synthetix"]) < rich_before - MILLION

    # The bridge has it now, or the block that says so is replaced.
    await until("tokens are moved", has_left)
    demo.drop()
    print(f"killed while tokens were on their way, {replacing.count} blocks replaced")
    demo = Demo(data, *options)
    demo.wait_until_trading()
    client = await log_in(demo)

    async def has_arrived():
        return await has("augur", vaults["augur"]) > 2.4 * MILLION

    await until("they have arrived", has_arrived)
    await until("the withdrawal has ended", lambda: has_no_withdrawal(client))
    assert await has("augur", payee) - paid_before == AMOUNT

    await delivers_against_payment(site, client)

    # A vault pays nobody whom its lister has not allowed.
    answer = await withdraw(client, 1_000, NOBODY)
    assert "result" in answer, answer
    await until("it has ended", lambda: has_no_withdrawal(client))
    assert await has("augur", NOBODY) == 0
    # What is no address is refused before anything is set aside.
    for wrong in ("alice", payee[:-1], payee[:-1] + payee[-1].swapcase() if payee[-1].isalpha()
                  else payee.replace("a", "A", 1)):
        answer = await withdraw(client, 1, wrong)
        assert answer["error"]["code"] == 11012, (wrong, answer)
    await client.socket.close()
    replacing.end()
    status, _ = demo.finish()
    assert status == 0, demo.lines[-30:]

    status, out = run("audit", "--data", data)
    assert status == 0, out
    events = events_of(data)
    assert events.count("netting.MoveOpened") == events.count("netting.MoveClosed") > 0
    # The demo's own clients withdraw as well, to where they may.
    assert events.count("account.WithdrawalReturned") == 1
    assert events.count("account.WithdrawalPaid") == events.count("account.WithdrawalHeld") - 1 > 0
    assert events.count("signing.NonceFinished") == events.count("signing.IntentTaken")
    undone = events.count("signing.InclusionUndone")
    print(f"{replacing.count} blocks replaced, {undone} of them with a transaction of ours; "
          f"{events.count('netting.MoveClosed')} moves, "
          f"{events.count('account.WithdrawalPaid')} withdrawals")


async def has_enough(client):
    return await held(client) >= AMOUNT + PAYMENT


def main():
    if "CROSSCLEAR_NPM" not in os.environ:
        print("skipped: CROSSCLEAR_NPM names no anvil")
        return SKIPPED
    print(f"CROSSCLEAR_SEED={SEED}")
    with tempfile.TemporaryDirectory() as folder:
        site = Site(tempfile.mkdtemp(dir=folder))
        try:
            asyncio.run(main_road(site, folder, random.Random(SEED)))
        finally:
            site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
