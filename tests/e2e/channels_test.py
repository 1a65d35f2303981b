#!/usr/bin/env python3
"""Goal: news of an account have no gap, and a client that was away is told what it missed.

On a real node that trades: a witness follows an account's four channels without a break; another
client leaves, comes back with `from_seq` and must be told exactly what the witness was told
meanwhile. What cannot be resumed begins with a snapshot, after a kill -9 as well. On the way:
an account of a broker that does not exist, and a log that holds no secret and no body.
"""

import asyncio
import glob
import hashlib
import hmac
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from service import MASTER, Client, Demo, uuid7  # noqa: E402

ACCOUNT = "0-1"
KINDS = ("trades", "settlements", "balances", "margin")
CHANNELS = [f"account.{ACCOUNT}.{kind}" for kind in KINDS]
MERGED = {f"account.{ACCOUNT}.margin"}  # A newer one may take the place of one that waits.
OPERATOR = ("operator", "demo-operator-not-a-secret")
MARKER = "0xMARKER-that-no-log-may-hold"
OPTIONS = ("--accounts", "20", "--rate", "5")


class Follower:
    """One session; reads everything that comes and keeps it by channel."""

    def __init__(self, client):
        self.client = client
        self.news = {channel: [] for channel in CHANNELS}
        self.replies = {}
        self.changed = asyncio.Condition()
        self.number = 0
        self.reading = asyncio.create_task(self.read())

    @classmethod
    async def open(cls, port, account=ACCOUNT):
        return cls(await Client.open(port, account))

    async def read(self):
        while True:
            frame = await self.client.receive()
            async with self.changed:
                if frame.get("method") == "subscription":
                    self.news[frame["params"]["channel"]].append(frame["params"])
                elif "id" in frame:
                    self.replies[frame["id"]] = frame
                self.changed.notify_all()

    async def wait(self, is_so, what):
        async with self.changed:
            try:
                await asyncio.wait_for(self.changed.wait_for(is_so), 60)
            except asyncio.TimeoutError:
                raise AssertionError(f"gave up waiting for {what}: {self.last()}") from None

    async def call(self, method, **params):
        self.number += 1
        number = f"call-{self.number}"
        await self.client.send(json.dumps(
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        await self.wait(lambda: number in self.replies, method)
        return self.replies.pop(number)

    async def follow(self, **params):
        answer = await self.call("private/subscribe", channels=CHANNELS, **params)
        assert sorted(answer["result"]["channels"]) == sorted(CHANNELS), answer

    async def trade(self):
        """Clears a trade; its number."""
        answer = await self.call("private/submit_trade", account=ACCOUNT, instrument="ETH",
                                 side="buy", quantity="0.001", limit_price="1000000",
                                 client_id=uuid7())
        return answer["result"]["trade_id"]

    def last(self):
        return {channel: news[-1]["seq"] for channel, news in self.news.items() if news}

    def tells(self, kind, trade, state=None):
        """Whether a channel of trades has told of this one, in that state."""
        return any(one["trade_id"] == trade and state in (None, one["state"])
                   for news in self.news[f"account.{ACCOUNT}.{kind}"]
                   for one in news["data"][kind])

    async def caught_up(self, other):
        goal = other.last()
        await self.wait(lambda: all(self.last().get(channel, 0) >= seq
                                    for channel, seq in goal.items()), f"what {goal} tells")

    async def leave(self):
        """Where it stands once it has gone."""
        self.reading.cancel()
        await self.client.socket.close()
        return self.last()


def check_chain(news, begins_with_snapshot, after=None):
    """Each follows the one before it; only the first may be a snapshot."""
    for number, one in enumerate(news):
        assert one["is_snapshot"] == (begins_with_snapshot and number == 0), (number, one)
        if after is not None and not one["is_snapshot"]:
            assert one["prev_seq"] == after and one["seq"] > after, (after, one)
        after = one["seq"]


def check_the_checker():
    """A gap, a repeat and a snapshot where none belongs are seen."""
    def told(seq, prev_seq=None):
        return {"seq": seq, "prev_seq": prev_seq, "is_snapshot": prev_seq is None}
    check_chain([told(5), told(7, 5), told(8, 7)], True)
    check_chain([told(7, 5), told(8, 7)], False, 5)
    for news, *how in (([told(5), told(8, 7)], True), ([told(5), told(7, 5), told(7, 5)], True),
                       ([told(5), told(7, 5), told(8)], True), ([told(7, 5)], True),
                       ([told(8, 7)], False, 5), ([told(7)], False, 5)):
        try:
            check_chain(news, *how)
        except AssertionError:
            continue
        raise AssertionError(f"blind for {news}, {how}")


async def resume(port):
    """Returns where each channel stands at the end, and the trades that were told."""
    witness, trader = await Follower.open(port), await Follower.open(port)
    away = await Follower.open(port)
    await witness.follow()
    await away.follow()
    await away.wait(lambda: len(away.last()) == len(CHANNELS), "four snapshots")
    seen = [await trader.trade() for _ in range(2)]
    await away.wait(lambda: all(away.tells(kind, trade) for trade in seen
                                for kind in ("trades", "settlements")), "both trades")
    left_at = await away.leave()
    for channel in CHANNELS:
        check_chain(away.news[channel], True)

    missed = [await trader.trade() for _ in range(3)]
    await witness.wait(lambda: all(witness.tells("settlements", trade, "settled")
                                   for trade in missed), "three settlements")
    back = await Follower.open(port)
    await back.follow(from_seq=left_at)
    await back.caught_up(witness)
    later = await trader.trade()
    for one in (witness, back):
        await one.wait(lambda one=one: one.tells("settlements", later, "settled"), "one more")
    await back.caught_up(witness)
    await witness.caught_up(back)
    for channel in CHANNELS:
        check_chain(witness.news[channel], True)
        check_chain(back.news[channel], False, left_at[channel])
        if channel in MERGED:
            continue
        till = min(witness.last()[channel], back.last()[channel])
        told, again = ([(one["seq"], one["prev_seq"], one["data"]) for one in follower.news[channel]
                        if left_at[channel] < one["seq"] <= till] for follower in (witness, back))
        assert told and told == again, (channel, told, again)

    await fresh(port, {channel: 1 << 60 for channel in CHANNELS}, seen + missed, "of no past here")
    at = await back.leave()
    for one in (witness, trader):
        await one.leave()
    return at, seen + missed + [later]


async def fresh(port, from_seq, trades, why):
    """What cannot be resumed begins with a snapshot that holds it all."""
    follower = await Follower.open(port)
    await follower.follow(from_seq=from_seq)
    await follower.wait(lambda: len(follower.last()) == len(CHANNELS), f"snapshots: {why}")
    for channel in CHANNELS:
        check_chain(follower.news[channel], True)
    assert all(follower.tells("trades", trade) for trade in trades), (why, follower.news)
    await follower.leave()


async def resume_after_a_kill(port, at, trades):
    """What was known only to memory is gone: a snapshot, or nothing that was missed."""
    follower = await Follower.open(port)
    await follower.follow(from_seq=at)
    after = await follower.trade()
    await follower.wait(lambda: follower.tells("trades", after), "a trade")
    await follower.wait(lambda: len(follower.last()) == len(CHANNELS), "four channels")
    for channel, news in follower.news.items():
        check_chain(news, news[0]["is_snapshot"], at[channel])
        assert news[0]["seq"] >= at[channel], (channel, at, news[0])
    if follower.news[CHANNELS[0]][0]["is_snapshot"]:
        assert all(follower.tells("trades", trade) for trade in trades), follower.news[CHANNELS[0]]
    await follower.leave()
    await fresh(port, {channel: 1 for channel in CHANNELS}, [*trades, after], "too old")


async def no_such_broker(port):
    client = await Client.connect(port)
    answer = await client.log_in(*OPERATOR)
    assert "result" in answer, answer
    for method in ("private/get_account", "private/get_trades", "private/get_margin"):
        answer = await client.call(method, account="9-1")
        assert answer["error"]["code"] == 13011, answer
        assert answer["error"]["data"]["expected"] == "no such broker", answer
    answer = await client.call("private/subscribe", channels=["account.9-1.trades", CHANNELS[0]])
    assert answer["result"]["channels"] == [CHANNELS[0]], answer
    assert answer["result"]["refused"][0]["code"] == 13011, answer
    # A key of such an account there is none: as unknown as any other.
    stranger = await Client.connect(port)
    secret = hmac.new(MASTER.encode(), b"demo:9-1", hashlib.sha256).hexdigest()
    answer = await stranger.log_in("demo:9-1", secret)
    assert answer["error"]["code"] == 13009, answer
    for one in (client, stranger):
        await one.socket.close()


async def leave_marks(port):
    """Requests that a careless log would repeat: taken, refused, malformed, and a wrong login."""
    client = await Client.open(port, ACCOUNT)
    withdrawal = {"account": ACCOUNT, "asset": "USDC", "shard": "aave-uniswap",
                  "destination": MARKER, "client_id": uuid7()}
    answer = await client.call("private/withdraw", amount="1", **withdrawal)
    assert "result" in answer, answer
    answer = await client.call("private/withdraw", amount="2", **withdrawal)
    assert answer["error"]["code"] == 11010, answer
    answer = await client.call("private/withdraw", amount=MARKER, **withdrawal)
    assert answer["error"]["code"] == 11012, answer
    answer = await client.call("private/" + MARKER)
    assert answer["error"]["code"] == -32601, answer
    await client.send('{"jsonrpc":"2.0","method":"' + MARKER)
    assert (await client.receive())["error"]["code"] == -32700
    answer = await client.log_in(f"demo:{ACCOUNT}", MARKER)
    assert answer["error"]["code"] == 13009, answer
    await client.socket.close()


def all_secrets():
    """What no line of a log may hold."""
    keys = [f"demo:{broker}-{number}" for broker in (0, 1) for number in range(1, 11)]
    derived = [hmac.new(MASTER.encode(), key.encode(), hashlib.sha256).hexdigest() for key in keys]
    return [MASTER, OPERATOR[1], "demo-venue-not-a-secret", MARKER, *derived]


def secret_in(text):
    return next((secret for secret in all_secrets() if secret in text), None)


def check_log(demo, data):
    for secret in all_secrets():
        assert secret_in(f'{{"key":"{secret}"}}'), f"blind for {secret!r}"
    text = "\n".join(demo.lines)
    logs = glob.glob(os.path.join(data, "**", "*.log"), recursive=True)
    for path in logs:
        with open(path, encoding="utf-8", errors="replace") as file:
            text += file.read()
    assert "listening for clients" in text, (logs, text[-2000:])
    if secret := secret_in(text):
        at = text.find(secret)
        raise AssertionError(f"the log holds {secret!r}: {text[max(0, at - 300):at + 300]}")
    return len(text)


def main():
    check_the_checker()
    with tempfile.TemporaryDirectory(prefix="crossclear-channels-") as data:
        demo = Demo(data, *OPTIONS)
        try:
            port = demo.wait_until_trading()
            asyncio.run(no_such_broker(port))
            at, trades = asyncio.run(resume(port))
            asyncio.run(leave_marks(port))
            demo.kill()
            size = check_log(demo, data)
            demo = Demo(data, *OPTIONS)
            asyncio.run(resume_after_a_kill(demo.wait_until_trading(), at, trades))
            status, line = demo.finish()
            assert status == 0, (status, line, demo.lines[-20:])
        finally:
            demo.drop()
    print(f"{len(trades)} trades told without a gap; {size} bytes of log without a secret")


if __name__ == "__main__":
    main()
