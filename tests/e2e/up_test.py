#!/usr/bin/env python3
"""Goal: `./dev up --chain anvil`, as a newcomer types it, trades on real chains, settles all of it,
and leaves no process behind; what it cannot do it says at once.

It runs the program that is built: in the preset of this build `./dev` finds nothing to compile.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import uuid

sys.path.insert(0, os.path.dirname(__file__))
from chains import SKIPPED  # noqa: E402
from service import BINARY, SOURCE, Program, run, wait_until  # noqa: E402

TRADES = 60
BUILD = pathlib.Path(BINARY).parent
# Whatever it starts inherits this, and is found by it.
MARK = f"CROSSCLEAR_UP_TEST={uuid.uuid4()}"
WARNING = "A broker's key is in this process: whoever reads its memory or configuration has it."


def up(*words):
    name, value = MARK.split("=")
    return Program("up", *words, binary=os.path.join(SOURCE, "dev"), stdout=subprocess.PIPE,
                   stdin=subprocess.DEVNULL,
                   env={**os.environ, "CROSSCLEAR_PRESET": BUILD.name, name: value})


def running():
    """What `./dev up` has started and has not ended: numbers and names."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if MARK.encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "comm").read_text().strip()
        except OSError:
            continue  # It has ended meanwhile, or is not ours.
    return found


def end_of(program, seconds):
    """Its status and what it wrote to standard output; nothing of it may be left then."""
    assert program.wait_for_end(seconds), f"still there: {running()}: {program.lines[-20:]}"
    wait_until(lambda: not running(), f"the end of {running()}")
    return program.process.wait(), program.process.stdout.read()


def refuses(words, *texts):
    program = up(*words)
    status, _ = end_of(program, 60)
    said = "\n".join(program.lines)
    assert status == 1 and said.count("failed: ") == 1, (status, said)
    for text in (*texts, "what to do: "):
        assert text in said, (text, said)
    assert "building" not in said and "ready" not in said, said


def trades_on_real_chains(data):
    program = up("--chain", "anvil", "--trades", str(TRADES), f"--data={data}", "--accounts", "12",
                 "--rate", "40", "--port", "0", "--ops-port", "0", "--json")
    site = pathlib.Path(program.wait_for_line("== ready ", 300).split("ready ", 1)[1])
    names = list(running().values())
    assert names.count("anvil") == 3, names
    status, out = end_of(program, 300)
    assert status == 0, (status, program.lines[-40:])
    line = json.loads(out.strip().splitlines()[-1])
    assert line["trades"] == TRADES and line["breaks"] == 0 and line["audit"] == "ok", line
    assert line["cleared"] == sum(line["settlements"].values()) > 0, line
    assert not site.parent.exists(), f"{site.parent} was left"
    log = [json.loads(one) for one in (data / "demo.log").read_text().splitlines()]
    warned = [one["broker"] for one in log
              if one["message"] == WARNING and one["level"] == "warning"]
    assert warned == ["alpha", "beta"], warned
    status, said = run("audit", "--data", str(data))
    assert status == 0, said
    print(f"{line['cleared']} of {TRADES} trades cleared, all settled, in {line['seconds']:.0f} s")


def main():
    if "CROSSCLEAR_NPM" not in os.environ:
        print("skipped: CROSSCLEAR_NPM names no anvil")
        return SKIPPED
    if BUILD.parent != pathlib.Path(SOURCE) / "build" or not (BUILD / ".configured").exists():
        print(f"skipped: {BUILD} is not one of ./dev, which would build another")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="crossclear-up-") as folder:
        data = pathlib.Path(folder) / "data"
        try:
            refuses(["--chain", "nosuch", "--data", str(data)], "there is no chain nosuch",
                    "--chain anvil")
            assert not data.exists()
            trades_on_real_chains(data)
            refuses(["--chain=anvil", "--data", str(data)],
                    f"{data} is the journal of chains that are gone", "choose another directory")
        finally:
            for number in running():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
