#!/usr/bin/env python3
"""What the command line takes, and what it refuses before it has done anything."""

import json
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from service import Demo, run, write_config  # noqa: E402

# Ten minutes' worth at a row a second: marks must not run out, or nothing is settled.
PRICES = "hour_utc,BTC,ETH\n" + "".join(
    f"2022-05-{day:02}T{hour:02}:00Z,{36000 + hour},{2700 + hour}\n"
    for day in range(1, 26) for hour in range(24))


def refuses(*arguments, says, status=None):
    got, out = run(*arguments)
    assert got != 0 and (status is None or got == status), (arguments, got, out)
    assert says in out, (arguments, out)


def helps():
    status, out = run("version")
    assert status == 0 and re.fullmatch(r"crossclear \S+\n", out), out
    for command in ([], ["serve"], ["world"], ["world", "deposit"], ["demo"], ["audit"],
                    ["journal"], ["journal", "dump"], ["journal", "verify"], ["version"]):
        status, out = run(*command, "--help")
        assert status == 0 and "Usage" in out and "--help" in out, (command, out)


def numbers_out_of_range(data):
    """Each is refused as such: none may start a demo that cannot end."""
    for option, values in {
            "--trades": ("-1", "1000000000001", "99999999999999999999", "x"),
            "--accounts": ("0", "-1", "1000001"),
            "--seed": ("-1", "99999999999999999999"),
            "--nodes": ("0", "-1", "17"),
            "--redis": ("-1", "0", "2", "99999"),
            "--port": ("-1", "65536"),
            "--ops-port": ("-1", "65536"),
            "--rate": ("-1", "1000001", "4294967297"),
            "--depth": ("0", "-1", "1025", "4294967297")}.items():
        for value in values:
            refuses("demo", "--data", data, option, value, says=option)
    for value in ("0s", "-1s", "1y", "99999999999999h", "8761h"):
        refuses("demo", "--data", data, "--duration", value, says="expected")
    assert not os.path.exists(data), os.listdir(data)


def checks_a_configuration(folder):
    good = write_config(os.path.join(folder, "good.yaml"), data_dir=os.path.join(folder, "none"))
    status, out = run("serve", "--check-config", "--config", good)
    assert status == 0, out
    bad = os.path.join(folder, "bad.yaml")
    pathlib.Path(bad).write_text(pathlib.Path(good).read_text(encoding="utf-8") + "strange: 1\n",
                                 encoding="utf-8")
    refuses("serve", "--check-config", "--config", bad, says="strange", status=2)
    refuses("serve", "--check-config", "--config", bad + ".none", says="bad.yaml.none", status=2)


def leaves_no_journal_behind(folder):
    empty = os.path.join(folder, "empty")
    os.mkdir(empty)
    for command in (["audit"], ["journal", "dump"], ["journal", "verify"]):
        refuses(*command, "--data", empty, says="--data", status=2)
        assert not os.listdir(empty), (command, os.listdir(empty))
        refuses(*command, "--data", empty + "/none", says="no such directory", status=2)


def ends_on_a_signal(data, prices):
    """Both signals at once, on two demos: each takes its time to settle."""
    signals = {signal.SIGINT: data, signal.SIGTERM: data + ".term"}
    demos = {number: Demo(where, "--seed", "9", "--accounts", "6", "--rate", "40", "--json",
                          "--prices", prices)
             for number, where in signals.items()}
    try:
        for number, demo in demos.items():
            demo.wait_until_trading()
            demo.process.send_signal(number)
        for demo in demos.values():
            out = demo.process.stdout.read()
            assert demo.process.wait(120) == 0, demo.lines[-20:]
            assert json.loads(out.splitlines()[-1])["audit"] == "ok", out
    finally:
        for demo in demos.values():
            demo.drop()


def refuses_prices_it_cannot_read(data, prices):
    def refuses_demo(*arguments, says, status=None):
        refuses("demo", "--data", data, "--trades", "1", *arguments, says=says, status=status)
        assert not os.path.exists(data), os.listdir(data)

    refuses_demo("--prices", prices + ".none", says="prices.csv.none: cannot be read")
    refuses_demo("--prices", prices, "--prices-from", "today", says="2022-05-07T00:00Z")
    refuses_demo("--prices", prices, "--prices-from", "2031-01-01T00:00Z", says="no row within")
    refuses_demo("--prices-from", "2022-05-07T00:00Z", says="--prices-from requires --prices")


def audits_with_the_seed_of_the_run(data):
    def compares(*more):
        status, out = run("audit", "--data", data, *more)
        assert status == 0 and "audit ok" in out, out
        assert " shard lines 0" not in out and "shard lines" in out, out

    compares()
    refuses("audit", "--data", data, "--seed", "1", says="was made with --seed 9", status=2)
    refuses("demo", "--data", data, "--seed", "1", "--trades", "1", "--port", "0", "--ops-port",
            "0", says="was made with --seed 9, not 1", status=1)
    # A directory from before the seed was kept: never "ok" with no shard compared.
    os.remove(os.path.join(data, "demo.seed"))
    refuses("audit", "--data", data, says="give the demo's own with --seed", status=2)
    compares("--seed", "9")


def looks_at_one_partition(data):
    for number in ("99", "8", "-1"):
        refuses("journal", "verify", "--data", data, "--seed", "9", "--partition", number,
                says="expected 0 to 7", status=2)
    status, out = run("journal", "verify", "--data", data, "--seed", "9", "--partition", "7")
    assert status == 0 and re.fullmatch(r"partition 7: \d+ records, [^\n]*\n", out), out
    status, out = run("journal", "dump", "--data", data, "--seed", "9", "--partition", "7")
    assert status == 0 and all(json.loads(line) for line in out.splitlines()), out


def main():
    folder = tempfile.mkdtemp(prefix="crossclear-cli-")
    try:
        data = os.path.join(folder, "demo")
        helps()
        numbers_out_of_range(data)
        checks_a_configuration(folder)
        leaves_no_journal_behind(folder)
        prices = os.path.join(folder, "prices.csv")
        pathlib.Path(prices).write_text(PRICES, encoding="utf-8")
        refuses_prices_it_cannot_read(data, prices)
        ends_on_a_signal(data, prices)
        audits_with_the_seed_of_the_run(data)
        looks_at_one_partition(data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("the command line takes what it says and refuses the rest")


if __name__ == "__main__":
    main()
