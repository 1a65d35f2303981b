#!/usr/bin/env python3
"""The README's promise: one command, real orders over real WebSockets, all settled, books whole."""

import asyncio
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from service import BINARY, Client, Demo, run, uuid7  # noqa: E402


def ends_by_itself(data):
    import subprocess
    done = subprocess.run(
        [BINARY, "demo", "--trades", "600", "--accounts", "30", "--data", data, "--json",
         "--port", "0", "--ops-port", "0"],
        capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:])
    line = json.loads(done.stdout.strip().splitlines()[-1])
    wanted = ("trades", "cleared", "refused", "gross_notional_usd", "hedged_notional_usd",
              "netting_efficiency", "settlements", "breaks", "audit")
    assert all(name in line for name in wanted), line
    assert line["trades"] == 600 and line["breaks"] == 0 and line["audit"] == "ok", line
    assert line["cleared"] + sum(line["refused"].values()) == 600, line


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
            demo.kill()
        status, out = run("audit", "--data", data)
        assert status == 0 and "audit ok" in out, out
        status, out = run("journal", "verify", "--data", data)
        assert status == 0, out
    print("the demo clears, settles, resumes and audits")


if __name__ == "__main__":
    main()
