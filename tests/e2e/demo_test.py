#!/usr/bin/env python3
"""The README's promise: one command, real orders over real WebSockets, all settled, books whole."""

import asyncio
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import websockets

sys.path.insert(0, os.path.dirname(__file__))
from service import (BINARY, SOURCE, Client, Demo, Service, run, uuid7,  # noqa: E402
                     write_config)


def ends_by_itself(data):
    done = subprocess.run(
        [BINARY, "demo", "--trades", "600", "--accounts", "30", "--data", data,
         "--port", "0", "--ops-port", "0"],
        capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:])
    line = json.loads(done.stdout.strip().splitlines()[-1])
    wanted = ("trades", "cleared", "refused", "gross_notional_usd", "hedged_notional_usd",
              "netting_efficiency", "settlements", "breaks", "audit")
    assert all(name in line for name in wanted), line
    assert line["trades"] == 600 and line["breaks"] == 0 and line["audit"] == "ok", line
    assert line["cleared"] + sum(line["refused"].values()) == 600, line
    # Netting is worth something: BTC moves both halves of a carry, and only one of them alone.
    carry = line["carry"]
    assert 1_000 < carry["initial_usd"] < 0.4 * carry["apart_usd"], carry
    # Every trade that was cleared has come to an end, whatever ended its claim.
    settled = sum(line["settlements"].values())
    assert settled == line["cleared"] + line["liquidations"], line


def liquidates_in_a_crash(data):
    """BTC loses a tenth in the hours in which UST broke; who had bet on it is closed in time, and a
    carry trade is left alone."""
    prices = pathlib.Path(SOURCE) / "../shared/data/market_hourly.csv"
    if not prices.exists():
        print(f"skipped: {prices} is not there")
        return
    done = subprocess.run(
        [BINARY, "demo", "--prices", prices, "--prices-from", "2022-05-09T06:00Z", "--rate", "50",
         "--duration", "25s", "--accounts", "10", "--data", data, "--json",
         "--port", "0", "--ops-port", "0"],
        capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:])
    line = json.loads(done.stdout.strip().splitlines()[-1])
    assert line["audit"] == "ok" and line["breaks"] == 0, line
    assert line["liquidations"] > 0, line
    status, dump = run("journal", "dump", "--data", data)
    assert status == 0, dump[-2000:]
    called = {entry["entity"] for entry in map(json.loads, dump.strip().splitlines())
              if entry["event"] == "account.StandingChanged"}
    assert "account/0-12" in called and "account/0-11" not in called, called
    print(f"{line['liquidations']} liquidations, {line['defaults']} defaults")


def audit_sees_what_a_shard_lost(data):
    """The control: a chain whose file lost its second half holds something else than we believe."""
    for name in ("aave-uniswap", "synthetix", "perpetuals"):
        path = os.path.join(data, "shards", name + ".chain")
        whole = pathlib.Path(path).read_bytes()
        os.truncate(path, len(whole) // 2)
        status, out = run("audit", "--data", data)
        pathlib.Path(path).write_bytes(whole)
        assert status == 1 and "by the shard's own log" in out, (name, status, out)
    status, out = run("audit", "--data", data)
    assert status == 0, out


async def a_key_is_taken_away(service, config, data):
    """A file with a fault changes nothing; a file without the key closes its socket."""
    client = await Client.connect(service.port)
    assert "result" in await client.log_in("operator", "demo-operator-not-a-secret")
    whole = pathlib.Path(config).read_text(encoding="utf-8")
    pathlib.Path(config).write_text(whole + "strange: 1\n", encoding="utf-8")
    service.process.send_signal(signal.SIGHUP)
    service.wait_for_line("The configuration cannot be read again")
    assert "result" in await client.call("public/ping")
    write_config(config, data_dir=data, keys=[])
    service.process.send_signal(signal.SIGHUP)
    service.wait_for_line("The keys were read again.")
    try:
        await asyncio.wait_for(client.receive(), 10)
        raise AssertionError("a frame came for a key that is gone")
    except websockets.ConnectionClosed as closed:
        assert closed.code == 4004, closed


def empty_redis_is_no_new_one(data):
    """Where there were chains there was a journal: an empty Redis has lost it."""
    shutil.rmtree(os.path.join(data, "redis", "appendonlydir"))
    status, out = run("demo", "--data", data, "--trades", "1", "--port", "0", "--ops-port", "0")
    assert status != 0 and "--create" in out and "remove its data directory" in out, (status, out)
    config = write_config(os.path.join(data, "serve.yaml"), data_dir=data)
    status, out = run("serve", "--config", config)
    assert status == 2 and "--create" in out, (status, out)
    service = Service(config, "--create")
    try:
        asyncio.run(a_key_is_taken_away(service.wait_until_up(), config, data))
        # Made once; from then on it is known.
        assert service.finish() == 0, service.lines[-10:]
    finally:
        service.kill()


async def speaks(port):
    client = await Client.open(port, "0-1")
    hello = await client.call("public/hello")
    assert "result" in hello, hello
    account = await client.call("private/get_account", account="0-1")
    assert account["result"]["balances"], account
    other = await client.call("private/get_account", account="0-2")
    assert other["error"]["code"] == 13011, other
    command = dict(account="0-1", instrument="BTC-PERP", side="buy", quantity="0.01",
                   limit_price="1000000", client_id=uuid7())
    first = await client.call("private/submit_trade", **command)
    assert first["result"]["state"] == "novated", first
    again = await client.call("private/submit_trade", **command)
    assert again["result"]["trade_id"] == first["result"]["trade_id"], (first, again)
    reused = await client.call("private/submit_trade", **dict(command, quantity="0.02"))
    assert reused["error"]["code"] == 11010, reused
    await client.socket.close()


def main():
    with tempfile.TemporaryDirectory(prefix="crossclear-demo-") as data:
        ends_by_itself(data)
        # Started again on the same directory it goes on where it was.
        demo = Demo(data, "--accounts", "30", "--rate", "50", "--json")
        try:
            asyncio.run(speaks(demo.wait_until_trading()))
            status, line = demo.finish()
            assert status == 0, (status, line, demo.lines[-20:])
        finally:
            demo.drop()
        status, out = run("audit", "--data", data)
        assert status == 0 and "audit ok" in out, out
        assert "at rest yes" in out and " shard lines 0 " not in out, out
        status, out = run("journal", "verify", "--data", data)
        assert status == 0, out
        audit_sees_what_a_shard_lost(data)
        empty_redis_is_no_new_one(data)
    with tempfile.TemporaryDirectory(prefix="crossclear-crash-") as data:
        liquidates_in_a_crash(data)
    print("the demo clears, settles, resumes and audits")


if __name__ == "__main__":
    main()
