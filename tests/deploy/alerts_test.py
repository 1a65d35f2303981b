#!/usr/bin/env python3
"""Goal: each alert fires where it should and is silent where it should be, as Prometheus sees it.

Each row below is a course of figures, a sample a minute, and what fires of one alert at the end of
it. promtool plays them against deploy/alerts/crossclear.yaml, texts and labels included.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(os.environ.get("CROSSCLEAR_SOURCE", pathlib.Path(__file__).parents[2]))
RULES = ROOT / "deploy/alerts/crossclear.yaml"
SKIPPED = 77
SCRAPED = {"job": "crossclear", "instance": "node-a:7401"}
LANE = {"broker": "alpha", "shard": "augur"}


@dataclasses.dataclass
class Row:
    alert: str
    claim: str
    minutes: int
    series: list
    fires: object = None  # Labels without the severity; None where it must be silent.


def of(name, values, **labels):
    """A series in promtool's notation: 1x3 is 1 and three more of it, _x3 three without any."""
    labels = ",".join(f'{key}="{value}"' for key, value in (SCRAPED | labels).items())
    prefix = "" if name == "up" else "crossclear_"
    return {"series": f"{prefix}{name}{{{labels}}}", "values": values}


def rows_of_one(alert, name, labels, courses):
    """Rows of an alert on one series, which fires with the labels of the series."""
    return [Row(alert, claim, minutes, [of(name, values, **labels)],
                SCRAPED | labels if fires else None)
            for claim, minutes, values, fires in courses]


def money():
    yield from rows_of_one(
        "LedgerImbalance", "ledger_imbalance_units", {"partition": "3", "asset": "USDC"}, [
            ("at once", 6, "0x5 -1x5", True),
            ("balanced", 6, "0x10", False)])
    yield from rows_of_one("BreakOpen", "breaks", {"shard": "augur", "asset": "ETH"}, [
        ("for a minute", 2, "0 1x10", True),
        ("just now", 1, "0 1x10", False),
        ("closed by itself", 3, "0 1 0x10", False)])
    yield from rows_of_one("NotCompared", "last_reconciliation_timestamp_seconds", LANE, [
        ("for over an hour", 75, "0x100", True),
        ("for an hour", 60, "0x100", False),
        ("each ten minutes", 90, "0x10 600x10 1200x10 1800x10 2400x10 3000x10 3600x10 4200x10",
         False)])
    yield from rows_of_one("SettlementOverdue", "oldest_unsettled_seconds", {"broker": "alpha"}, [
        ("over an hour", 5, "3601x10", True),
        ("an hour", 9, "3600x10", False),
        ("for a moment", 4, "3601x10", False)])
    manual = {"reason": "manual"}
    yield from rows_of_one("SettlementManual", "compensations_total", manual, [
        ("the first ever", 12, "_x10 1x1500", True),
        ("one more", 1500, "1x100 2x2000", True),
        ("one more after a restart", 1500, "3x100 _x10 1x100", True),
        ("the day before", 1500, "_x10 1x1600", False)])
    yield from rows_of_one("SettlementManual", "compensations_total", {"reason": "compensated"}, [
        ("before the pivot", 12, "_x10 1x100", False)])
    yield from rows_of_one("CoverTooSmall", "cover2_ratio", {"broker": "alpha"}, [
        ("less than two clients", 2, "1.2 0.99x10", True),
        ("just enough", 9, "1x10", False)])


def lanes():
    yield from rows_of_one(
        "SigningLaneHalted", "signing_lane_halted", LANE | {"reason": "signer_altered"}, [
            ("for a minute", 2, "0 1x10", True),
            ("goes on", 3, "1 1 1 0x10", False)])
    yield from rows_of_one("ShardAway", "shard_head_age_seconds", LANE, [
        ("no block", 1, "121x5", True),
        ("a slow one", 9, "120x10", False),
        ("a late one", 2, "60 121 60x10", False)])
    final = LANE | {"tag": "final"}
    yield from rows_of_one("FinalityStill", "shard_block_height", final, [
        ("nothing becomes final", 31, "100x60", True),
        ("nothing ever was", 31, "0x60", True),
        ("an epoch late", 60, "100x20 132x20 164x20", False),
        ("after a start", 20, "_x5 100x60", False)])
    yield from rows_of_one("FinalityStill", "shard_block_height", LANE | {"tag": "head"}, [
        ("another height", 40, "100x60", False)])
    yield from rows_of_one(
        "ChainIdentityFault", "shard_identity_faults_total", LANE | {"reason": "other_chain"}, [
            ("the first ever", 21, "_x20 1x60", True),
            ("again", 25, "1x20 2x60", True),
            ("an hour ago", 80, "_x20 1x100", False)])
    unreachable = LANE | {"fault": "unreachable"}
    yield from rows_of_one("SignerAway", "signer_faults_total", unreachable, [
        ("no answer", 5, "0+60x10", True),
        ("no answer yet", 3, "0+60x10", False),
        ("a short while", 5, "0 60x10", False)])
    yield from rows_of_one("SignerRefuses", "signer_faults_total", LANE | {"fault": "refused"}, [
        ("the first ever", 7, "_x5 1x100", True),
        ("again", 70, "1x65 2x100", True),
        ("before the hour", 90, "1x200", False)])
    yield from rows_of_one("SignerRefuses", "signer_faults_total", unreachable, [
        ("no answer at all", 7, "_x5 1x100", False)])
    yield from rows_of_one("SignerBalanceLow", "signer_balance_native", LANE, [
        ("less than one", 10, "0.99x20", True),
        ("one", 19, "1x20", False),
        ("for a moment", 9, "0.99x20", False)])
    yield from rows_of_one("SignerBalanceEmpty", "signer_balance_native", LANE, [
        ("nearly nothing", 2, "0.09x5", True),
        ("low", 9, "0.1x10", False)])


def endpoints():
    wrong = {"shard": "augur", "endpoint": "2"}
    answers = of("shard_requests_total", "0+120x90", shard="augur", method="eth_call",
                 result="answered")
    failures = of("shard_requests_total", "0+9000x90", shard="augur", method="eth_call",
                  result="timed_out")

    def dissents(values):
        return [answers, failures] + [of("shard_endpoint_dissents_total", values, method=method,
                                         **wrong) for method in ("eth_call", "eth_getLogs")]
    yield Row("EndpointDissents", "again and again", 40, dissents("0+4x90"), SCRAPED | wrong)
    yield Row("EndpointDissents", "now and then", 80, dissents("0+2x90"))
    yield Row("EndpointDissents", "not for long yet", 25, dissents("0+4x90"))


def nodes():
    yield from rows_of_one("NodeAway", "up", {}, [
        ("no scrape", 2, "0x5", True),
        ("one that failed", 3, "1 0 1x5", False)])
    yield from rows_of_one("NodeAway", "up", {"job": "others"}, [("not ours", 9, "0x10", False)])
    yield from rows_of_one("NodeNotReady", "node_ready", {}, [
        ("five minutes", 5, "0x10", True),
        ("a start", 6, "0x3 1x10", False)])

    def votes(*each):
        return [of("redis_votes", f"{vote}x10", endpoint=f"10.0.0.{number}:6379")
                for number, vote in enumerate(each, 1)]
    at_risk = "JournalMajorityAtRisk"
    yield Row(at_risk, "two of three", 5, votes(1, 1, 0), SCRAPED)
    yield Row(at_risk, "three of five", 5, votes(1, 0, 1, 0, 1), SCRAPED)
    yield Row(at_risk, "all of three", 9, votes(1, 1, 1))
    yield Row(at_risk, "four of five", 9, votes(1, 1, 1, 1, 0))
    yield Row(at_risk, "a lone one", 9, votes(0))


ROWS = [*money(), *lanes(), *endpoints(), *nodes()]


def rules():
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def expected_of(row, rule):
    """The alert as it should be told, with the labels put into its texts."""
    told = {key: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: row.fires[found[1]], text)
            for key, text in rule["annotations"].items()}
    return {"exp_labels": row.fires | rule["labels"], "exp_annotations": told}


def test_of(row, rule):
    expected = [] if row.fires is None else [expected_of(row, rule)]
    return {"name": f"{row.alert}: {row.claim}", "interval": "1m", "input_series": row.series,
            "alert_rule_test": [{"eval_time": f"{row.minutes}m", "exp_alerts": expected,
                                 "alertname": "Crossclear" + row.alert}]}


def promtool(*words):
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def play(folder, tests):
    path = folder / "tests.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m",
                                    "tests": tests}), encoding="utf-8")
    return promtool("test", "rules", str(path))


def rows_that_cannot_fail(folder, known):
    """The control: with its expectation turned round no row passes."""
    turned = [dataclasses.replace(row, fires=SCRAPED if row.fires is None else None)
              for row in ROWS]
    texts = {"annotations": {}}  # Whose labels a silent row does not have.
    tests = [test_of(row, known["Crossclear" + row.alert] | texts) for row in turned]
    _, said = play(folder, tests)
    return [test["name"] for test in tests if f"name: {test['name']}," not in said]


def main():
    if shutil.which("promtool") is None:
        print("skipped: promtool is missing: apt-get install prometheus")
        return SKIPPED
    status, said = promtool("check", "rules", str(RULES))
    assert status == 0, said
    known = rules()
    for fires in (True, False):
        tried = {"Crossclear" + row.alert for row in ROWS if (row.fires is not None) == fires}
        assert tried == set(known), (fires, tried ^ set(known))
    with tempfile.TemporaryDirectory(prefix="crossclear-alerts-") as folder:
        folder = pathlib.Path(folder)
        tests = [test_of(row, known["Crossclear" + row.alert]) for row in ROWS]
        status, said = play(folder, tests)
        assert status == 0, said
        passes = rows_that_cannot_fail(folder, known)
        assert not passes, f"they pass either way: {passes}"
    print(f"{len(known)} alerts, {len(ROWS)} courses of figures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
