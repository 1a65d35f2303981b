#!/usr/bin/env python3
"""`crossclear risk house` from a shell, and the pictures of docs/margin.md: that they are what the
program draws."""

import csv
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(__file__))
from service import run  # noqa: E402

SOURCE = pathlib.Path(os.environ.get("CROSSCLEAR_SOURCE", pathlib.Path(__file__).parents[2]))
RISK = SOURCE / "deploy" / "risk"
DEMO = str(RISK / "demo.yaml")
BOOK = str(RISK / "book.yaml")
PRICES = pathlib.Path(os.environ.get("CROSSCLEAR_SHARED", SOURCE / ".." / "shared")) / "data" / \
    "market_hourly.csv"
STRESSES = ["every coin at zero", "one protocol fails", "every protocol fails",
            "an oracle is frozen", "the largest client defaults",
            "the two largest clients default", "2022-05 LUNA, UST", "2022-11 FTT", "2023-03 USDC"]


class Folder:
    """A directory for files of the test."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="crossclear-house-")

    def write(self, name, text):
        """Writes a file and returns its path."""
        path = os.path.join(self.path, name)
        pathlib.Path(path).write_text(text, encoding="utf-8")
        return path


def ask(*arguments, book=BOOK):
    status, out = run("risk", "house", "--universe", DEMO, "--book", book, *arguments)
    return status, out


def house(*arguments, book=BOOK, status=0):
    found, out = ask(*arguments, "--json", book=book)
    assert found == status, (arguments, found, out)
    return json.loads(out)


def stresses(found):
    assert [line["name"] for line in found["stress"]] == STRESSES, found["stress"]
    return {line["name"]: line for line in found["stress"]}


def example_comes_out():
    found = house()
    assert found["waterfall"]["total"] == 800000, found
    assert 0.9 < found["solvency_probability"] <= 1, found
    assert found["cover2"] >= found["cover1"] >= 0, found
    assert set(found["clients"]) == {"carry", "pool", "pool-crossed", "long", "saver"}, found
    assert abs(found["clients"]["carry"]["IM"] - 7326.90) < .01, found
    # 90 % of 60,000 in sBTC, less an equity of 12,000: Synthetix' failure costs the broker 42,000.
    assert abs(found["SF"]["SYNTHETIX"] - 42000) < 1e-6, found
    lines = stresses(found)
    # Long a coin and 10 of another: 90,000 at zero, less 18,000.
    assert abs(lines["every coin at zero"]["largest"] - 72000) < 1e-6, lines
    assert lines["every coin at zero"]["client"] == "long", lines
    # Both pools are Uniswap's: 60,000 each, less 8,000 and 12,000.
    assert lines["one protocol fails"]["worst"] == "UNISWAP", lines
    assert abs(lines["one protocol fails"]["loss"] - 100000) < 1e-6, lines
    assert found["limits"]["kept"], found


def limits_are_kept_or_named(folder):
    text = pathlib.Path(BOOK).read_text(encoding="utf-8")
    rich = folder.write("rich.yaml", text.replace("capital: 600000", "capital: 4e6"))
    found = house(book=rich)
    assert found["limits"]["kept"] and found["limits"]["breaches"] == [], found
    poor = folder.write("poor.yaml", text.replace("capital: 600000", "capital: 0"))
    found = house(book=poor, status=1)
    names = {(breach["limit"], breach["name"]) for breach in found["limits"]["breaches"]}
    assert ("protocol", "UNISWAP") in names and ("client", "long") in names, found
    status, out = ask(book=poor)
    assert status == 1 and "past a limit: the worst stress of client long is 72000.00" in out, out
    # More to pay with never makes it less sound.
    chances = []
    for usd, status in ((0, 1), (100000, 1), (600000, 0), (4000000, 0)):
        book = folder.write("w.yaml", text.replace("capital: 600000", f"capital: {usd}"))
        chances.append(house(book=book, status=status)["solvency_probability"])
    assert chances == sorted(chances), chances


def orders_get_a_verdict(folder):
    text = pathlib.Path(BOOK).read_text(encoding="utf-8")
    tight = folder.write("tight.yaml", text.replace("protocol_share: 0.25", "protocol_share: 0.05"))
    more = house("--client", "carry", "--order", "sBTC=0.5", "--order", "USD=-30000", book=tight,
                 status=1)
    assert more["order"]["verdict"] == "refused", more
    assert more["order"]["because"]["name"] == "SYNTHETIX", more
    less = house("--client", "carry", "--order", "sBTC=-0.5", "--order", "BTC-PERP=0.5",
                 "--order", "USD=30000", book=tight)
    assert less["order"]["accepted"], less
    other = house("--client", "saver", "--order", "BTC=0.1", "--order", "USD=-6000", book=tight)
    assert other["order"]["verdict"] == "accepted", other
    status, out = ask("--client", "carry", "--order", "sBTC=0.5", "--order", "USD=-30000",
                      book=tight)
    assert status == 1 and re.search(r"^refused: SF of protocol SYNTHETIX", out, re.MULTILINE), out
    for arguments, says in ((("--client", "nobody", "--order", "BTC=1"), "no client 'nobody'"),
                            (("--client", "carry", "--order", "GOLD=1"), "no instrument 'GOLD'"),
                            (("--client", "carry", "--order", "BTC=nan"), "no number")):
        status, out = ask(*arguments)
        assert status == 2 and says in out, (arguments, status, out)
    for arguments in (("--client", "carry"), ("--order", "BTC=1")):
        status, out = ask(*arguments)
        assert status != 0 and "requires" in out, (arguments, status, out)


def paths_are_said_aloud(folder):
    lines = stresses(house())
    for name in STRESSES[6:]:
        assert lines[name]["loss"] is None and not lines[name]["complete"], lines[name]
        assert "--prices" in lines[name]["notes"][0], lines[name]
    status, out = ask()
    assert re.search(r"^2022-11 FTT +unknown$", out, re.MULTILINE), out
    # A file that ends before, and one with half of what is needed.
    early = folder.write("early.csv", "hour_utc,BTC,USDC\n2021-01-01T00:00Z,50000,1\n")
    lines = stresses(house("--prices", early))
    assert all(lines[name]["loss"] is None for name in STRESSES[6:]), lines
    assert "the file has no hour from 2022-11-06T00:00Z" in lines["2022-11 FTT"]["notes"][1], lines
    half = folder.write("half.csv", "hour_utc,BTC,USDC\n2022-11-06T00:00Z,20000,1\n"
                        "2022-11-09T00:00Z,5000,0.9\n")
    line = stresses(house("--prices", half))["2022-11 FTT"]
    # Nobody knows what ETH does: neither the pools nor whoever is long of it have a loss.
    assert set(line["unknown"]) == {"pool", "pool-crossed", "long"}, line
    assert line["unknown"]["pool"] == 2 and not line["complete"], line
    assert any("no column for ETH" in note for note in line["notes"]), line
    # A carry falls with its premium only; the saver has half a coin and 50,000 USDC.
    assert line["loss"] == 0, line
    wrong = folder.write("wrong.csv", "hour_utc,BTC,USDC\n2022-11-06T00:00Z,x,1\n")
    status, out = ask("--prices", wrong)
    assert status == 2 and "wrong.csv:2: 'x' is no price of BTC" in out, out


def loss_of_long(start, end):
    """What 60,000 USD in BTC and 30,000 in ETH, on 18,000, leave unpaid at worst."""
    with PRICES.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if start <= row["hour_utc"] < end]

    def left(coin, row):
        return float(row[coin]) / float(rows[0][coin])
    return max(60000 * (1 - left("BTC", row)) + 30000 * (1 - left("ETH", row)) - 18000
               for row in rows)


def real_weeks_come_out():
    if not PRICES.exists():
        print(f"{PRICES} is not there: no real weeks")
        return
    found = house("--prices", str(PRICES))
    lines = stresses(found)
    week = lines["2022-05 LUNA, UST"]
    assert week["complete"] and week["states"] == 145, week
    assert week["notes"][0] == "the universe does not know LUNA, which this is about", week
    assert abs(week["loss"] - loss_of_long("2022-05-07", "2022-05-13T01")) < 1e-6, week
    assert week["client"] == "long" and week["loss"] > 5000, week
    assert lines["2022-11 FTT"]["unknown"].keys() == {"pool", "pool-crossed", "saver"}, lines
    assert lines["2023-03 USDC"]["unknown"] == {"pool": 38, "pool-crossed": 38, "saver": 38}, lines


def wrong_books_are_refused(folder):
    text = pathlib.Path(BOOK).read_text(encoding="utf-8")
    line = 1 + text[:text.index("GOLD" if "GOLD" in text else "sBTC: 1")].count("\n")
    wrong = folder.write("wrong.yaml", text.replace("sBTC: 1,", "GOLD: 1,"))
    status, out = ask(book=wrong)
    assert status == 2 and f"wrong.yaml:{line}: clients[0].portfolio.GOLD" in out, out
    status, out = ask(book=BOOK + ".none")
    assert status == 2 and "cannot be opened" in out, out
    empty = folder.write("empty.json",
                         '{"waterfall": {"capital": 0, "insurance": 0}, "clients": []}')
    found = house(book=empty)
    assert found["solvency_probability"] == 1 and found["cover2"] == 0, found
    assert all(line["loss"] in (0, None) for line in found["stress"]), found
    status, out = run("risk", "house", "--help")
    assert status == 0 and "deploy/risk/book.yaml" in out and "--prices" in out, out


def parts_of(svg):
    """What is drawn, without its numbers, and the numbers."""
    number = r"-?\d[\d,]*(?:\.\d+)?"
    return re.sub(number, "#", svg), [float(x.replace(",", "")) for x in re.findall(number, svg)]


def pictures_are_what_is_drawn(folder):
    for name in ("carry", "pool_hedged", "pool_crossed"):
        kept = (SOURCE / "docs" / "images" / f"margin_{name}.svg").read_text(encoding="utf-8")
        xml.etree.ElementTree.fromstring(kept)
        path = os.path.join(folder.path, "now.svg")
        status, out = run("risk", "margin", "--universe", DEMO, "--portfolio",
                          str(RISK / f"{name}.yaml"), "--picture", path)
        assert status == 0 and out.startswith("equity"), out
        words, numbers = parts_of(pathlib.Path(path).read_text(encoding="utf-8"))
        kept_words, kept_numbers = parts_of(kept)
        # Machines may round their last bits otherwise: a tenth of a point, or a dollar.
        assert words == kept_words and len(numbers) == len(kept_numbers), name
        assert all(abs(a - b) <= 1 for a, b in zip(numbers, kept_numbers)), name
    status, out = run("risk", "margin", "--universe", DEMO, "--portfolio",
                      str(RISK / "carry.yaml"), "--picture", folder.path)
    assert status == 2 and "cannot be written" in out, out


def main():
    folder = Folder()
    try:
        example_comes_out()
        limits_are_kept_or_named(folder)
        orders_get_a_verdict(folder)
        paths_are_said_aloud(folder)
        real_weeks_come_out()
        wrong_books_are_refused(folder)
        pictures_are_what_is_drawn(folder)
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)
    print("the house says what it can lose, and what it does not know")


if __name__ == "__main__":
    main()
