#!/usr/bin/env python3
"""`crossclear risk` from a shell: the examples come out, what is wrong is refused with a reason."""

import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from service import run  # noqa: E402

SOURCE = pathlib.Path(os.environ.get("CROSSCLEAR_SOURCE", pathlib.Path(__file__).parents[2]))
RISK = SOURCE / "deploy" / "risk"
DEMO = str(RISK / "demo.yaml")
FIGURES = ("equity", "MR", "BC", "FC", "LC", "SOM", "H", "EV", "J", "OC", "CG", "IM", "MM")

# Portfolio, what it needs, and what its positions need apart, to the dollar.
EXAMPLES = ({"sBTC": 1, "BTC-PERP": -1}, 7327, 23417), \
    ({"UNI-ETHDAI": 600, "ETH-PERP": -10}, 3341, 14068), \
    ({"UNI-ETHDAI": 600, "BTC-PERP": -0.5}, 8008, 12888)


class Folder:
    """A directory for files of the test."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="crossclear-risk-")

    def write(self, name, text):
        """Writes a file and returns its path."""
        path = os.path.join(self.path, name)
        pathlib.Path(path).write_text(text, encoding="utf-8")
        return path


def refuses(*arguments, says):
    status, out = run("risk", *arguments)
    assert status == 2 and says in out, (arguments, status, out)


def margin(folder, universe, portfolio):
    path = folder.write("portfolio.json", json.dumps(portfolio))
    status, out = run("risk", "margin", "--universe", universe, "--portfolio", path, "--json")
    assert status == 0, out
    return json.loads(out)


def examples_come_out(folder, universe, apart_slack):
    for portfolio, together, apart in EXAMPLES:
        found = margin(folder, universe, portfolio)
        assert set(found) == {*FIGURES, "L", "SF"}, found
        assert abs(found["IM"] - together) <= 1, (portfolio, found)
        parts = sum(margin(folder, universe, {name: quantity})["IM"]
                    for name, quantity in portfolio.items())
        assert abs(parts - apart) <= apart_slack, (portfolio, parts)
        total = sum(found[name] for name in ("MR", "BC", "FC", "LC", "SOM", "H", "EV", "J", "OC",
                                             "CG"))
        assert abs(total - found["IM"]) < 1e-6, found


def shows_every_figure():
    status, out = run("risk", "margin", "--universe", DEMO, "--portfolio", str(RISK / "carry.yaml"))
    assert status == 0, out
    for name in FIGURES:
        assert re.search(rf"^{name}\s+-?\d+\.\d\d  \w", out, re.MULTILINE), (name, out)
    # Up to the cent, against the client.
    assert re.search(r"^IM\s+7326\.90 ", out, re.MULTILINE), out
    assert re.search(r"^SYNTHETIX\s+54000\.00\s+0\.00$", out, re.MULTILINE), out


def asks_what_if(folder):
    usd = folder.write("usd.json", '{"USD": 10000}')
    arguments = ("risk", "what-if", "--universe", DEMO, "--portfolio", usd)
    status, out = run(*arguments, "--order", "BTC-PERP=-0.5", "--json")
    found = json.loads(out)
    assert status == 0 and found["accepted"] and found["verdict"] == "covered", out
    assert found["before"]["IM"] == 0 and 5000 < found["after"]["IM"] < 5500, out
    # At least half a basis point of 30,000 USD, and all that it may cost the broker.
    assert abs(found["fee_floor"] - 1.5) < 1e-9 and found["fee"] >= 1.5, out
    assert found["fee"] >= found["expected_loss_day"] * found["holding_days"], out
    # Nothing that is simulated costs this account more than it has.
    rich = folder.write("rich.json", '{"USD": 1e6}')
    status, out = run(*arguments[:-1], rich, "--order", "BTC-PERP=-0.5", "--json")
    assert status == 0 and abs(json.loads(out)["fee"] - 1.5) < 1e-9, out
    status, out = run(*arguments, "--order", "BTC-PERP=-2")
    assert status == 1 and "refused" in out, out
    # Paid for, it needs less than when it is given.
    status, out = run(*arguments, "--order", "sBTC=0.1", "--order", "USD=-6000", "--json")
    found = json.loads(out)
    assert status == 0 and abs(found["after"]["equity"] - 10000) < 1e-6, out
    for order, says in (("BTC-PERP", "INSTRUMENT=QUANTITY"), ("BTC-PERP=", "INSTRUMENT=QUANTITY"),
                        ("GOLD=1", "no instrument 'GOLD'"), ("BTC=nan", "no number"),
                        ("BTC=inf", "no number"), ("BTC=1e300", "larger than any")):
        refuses(*arguments[1:], "--order", order, says=says)


def values_units():
    arguments = ("risk", "value", "--universe", DEMO, "--json")
    status, out = run(*arguments, "--failed", "MAKER", "--instrument", "UNI-ETHDAI")
    found = json.loads(out)["UNI-ETHDAI"]
    assert status == 0 and abs(found["value"] - 100) < 1e-9, out
    assert abs(1 - found["then"] / found["value"] - 0.367544467966324) < 1e-12, out
    status, out = run(*arguments, "--scenario", "tail-0.66")
    assert status == 0 and abs(json.loads(out)["BTC"]["then"] - 20400) < 1e-6, out
    refuses("value", "--universe", DEMO, "--scenario", "none", says="lock-4/4 v-1")
    refuses("value", "--universe", DEMO, "--failed", "NOBODY", says="no protocol 'NOBODY'")
    refuses("value", "--universe", DEMO, "--instrument", "GOLD", says="no 'GOLD'")


def refuses_what_is_wrong(folder):
    good = pathlib.Path(DEMO).read_text(encoding="utf-8")
    line = 1 + good[:good.index("range: 0.16")].count("\n")
    for old, new, says in (
            ("range: 0.16", "range: .nan", "expected a number"),
            ("range: 0.16", "range: -0.1", f"wrong.yaml:{line}: underlyings[0].range"),
            ("spot: 60000", "spot: 1e99", "underlyings[0].spot"),
            ("days: 30}", "days: -1}", "expired"),
            ("kind: cash", "kind: gold", "one of cash, spot"),
            ("wrapper: sBTC, protocols", "wrapper: xBTC, protocols", "the name of a wrapper"),
            ("name: ETH, kind", "name: BTC, kind", "given twice"),
            ("strike: 60000", "strike: 60000, strike: 1", "given twice"),
            ("strike: 66000", "stroke: 66000", "unknown key")):
        wrong = folder.write("wrong.yaml", good.replace(old, new, 1))
        refuses("margin", "--universe", wrong, "--portfolio", str(RISK / "carry.yaml"), says=says)
    for text, says in (('{"GOLD": 1}', "no such instrument"),
                       ('{"BTC": "1"}', "expected a number"),
                       ('{"BTC": NaN}', "expected a number"),
                       ('{"BTC": 1e16}', "expected a number"),
                       ('{"BTC": 1, "BTC": 2}', "given twice"), ("[1]", "expected a mapping"),
                       ('{"BTC": 1', "not JSON or YAML"), ("", "cannot be read, or is empty")):
        portfolio = folder.write("wrong.json", text)
        refuses("margin", "--universe", DEMO, "--portfolio", portfolio, says=says)
    refuses("margin", "--universe", DEMO + ".none", "--portfolio", DEMO, says="cannot be opened")


def helps():
    for command in ([], ["margin"], ["what-if"], ["value"], ["bench"]):
        status, out = run("risk", *command, "--help")
        assert status == 0 and "Usage" in out, (command, out)


def measures():
    status, out = run("risk", "bench", "--rounds", "100", "--json")
    found = json.loads(out)
    assert status == 0 and set(found) == {"assess", "what_if", "rebuild", "surface", "recheck"}, out


def main():
    folder = Folder()
    try:
        helps()
        # Its simulated scenarios are its own: they decide what a lone short needs, and no example.
        examples_come_out(folder, DEMO, 1000)
        compact = pathlib.Path(os.environ.get("CROSSCLEAR_SHARED", SOURCE / ".." / "shared")) / \
            "vectors" / "demo_universe.json"
        if compact.exists():
            examples_come_out(folder, str(compact), 1)
        shows_every_figure()
        asks_what_if(folder)
        values_units()
        refuses_what_is_wrong(folder)
        measures()
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)
    print("margins from the command line come out as specified")


if __name__ == "__main__":
    main()
