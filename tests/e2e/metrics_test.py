#!/usr/bin/env python3
"""Goal: every figure that is promised is told, in a form Prometheus reads, and none of them lies.

A demo trades; /metrics is read until it ends, and what was read last is held against the line of
JSON that the demo closes with.
"""

import asyncio
import json
import math
import os
import re
import sys
import tempfile
import threading
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
from service import SOURCE, Client, Demo  # noqa: E402

# Told only once something has gone wrong, which a demo need not see.
# Told only where there is trouble, an archive, or a Redis that somebody else runs.
ONLY_SOMETIMES = {"standings_total", "liquidations_total", "collateral_taken_usd_total",
                  "default_losses_usd_total",
                  "compensations_total", "breaks", "rate_limited_total", "shard_reorgs_total",
                  "shard_words_refused_total", "archive_sequence", "archive_trouble",
                  "redis_settings_trusted", "shard_exposure_limit_usd", "give_ups_total",
                  "transfers_total",  # The demo's clients only trade,
                  "tx_nonce_gap", "signer_balance_native", "signing_lane_halted",
                  "shard_endpoint_dissents_total", "shard_identity_faults_total",
                  "signer_faults_total"}  # and its shards take orders as they are.

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
SAMPLE = re.compile(rf"^({NAME})(?:\{{(.*)\}})? (\S+)$")


def labels_of(text):
    labels, at = {}, 0
    while at < len(text or ""):
        found = LABEL.match(text, at)
        assert found, f"labels that cannot be read: {text!r}"
        assert found[1] not in labels, f"a label twice: {text!r}"
        labels[found[1]] = found[2]
        at = found.end()
    return labels


def parse(text):
    """Prometheus' text format 0.0.4, read strictly: family -> (type, {sample: {labels: value}})."""
    families, name = {}, None
    assert text.endswith("\n"), "the last line has no end"
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in families, f"{name} stands in two places"
            families[name] = [None, {}]
        elif line.startswith("# TYPE "):
            _, _, of, kind = line.split(" ")
            assert of == name and kind in ("counter", "gauge", "histogram"), line
            assert families[name][0] is None, f"{name} has two types"
            families[name][0] = kind
        else:
            found = SAMPLE.match(line)
            assert found, f"not a line of the format: {line!r}"
            kind, samples = families[name]
            ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert any(found[1] == name + end for end in ends), f"{line!r} below {name}"
            labels = tuple(sorted(labels_of(found[2]).items()))
            series = samples.setdefault(found[1], {})
            assert labels not in series, f"a series twice: {line!r}"
            series[labels] = float(found[3].replace("+Inf", "inf"))
    return families


def check_histogram(name, samples):
    """Buckets grow, end without a bound, and agree with the count."""
    by_series = {}
    for labels, value in samples[name + "_bucket"].items():
        labels = dict(labels)
        bound = float(labels.pop("le").replace("+Inf", "inf"))
        by_series.setdefault(tuple(sorted(labels.items())), []).append((bound, value))
    for labels, buckets in by_series.items():
        buckets.sort()
        counts = [count for _, count in buckets]
        assert counts == sorted(counts), (name, labels, buckets)
        assert buckets[-1][0] == math.inf, (name, labels)
        assert counts[-1] == samples[name + "_count"][labels], (name, labels)


def declared():
    """What metrics/instruments.cpp promises."""
    with open(os.path.join(SOURCE, "metrics/instruments.cpp"), encoding="utf-8") as file:
        text = file.read()
    names = re.findall(r'(?:counters?|gauges?|histograms?)\(\s*"(\w+)"', text)
    assert len(names) > 40, names
    return set(names)


class Scraper(threading.Thread):
    """Reads /metrics until nobody answers, and keeps the last answer."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.url = f"http://127.0.0.1:{port}/metrics"
        self.text = None
        self.start()

    def run(self):
        while True:
            try:
                with urllib.request.urlopen(self.url, timeout=10) as answer:
                    self.text = answer.read().decode()
            except OSError:
                return
            threading.Event().wait(0.1)


def total(families, name, **wanted):
    series = families["crossclear_" + name][1]["crossclear_" + name]
    return sum(value for labels, value in series.items()
               if all(dict(labels).get(key) == label for key, label in wanted.items()))


def check_families(families):
    for name, (kind, samples) in families.items():
        assert kind is not None and samples, f"{name} says nothing"
        if kind == "histogram":
            check_histogram(name, samples)
    ours = {name.removeprefix("crossclear_") for name in families
            if name.startswith("crossclear_")}
    missing = declared() - ours - ONLY_SOMETIMES
    assert not missing, f"declared and never told: {sorted(missing)}"
    strange = ours - declared()
    assert not strange, f"told and not declared: {sorted(strange)}"
    for name in ("caf_system_running_actors", "process_resident_memory_bytes"):
        assert name in families, sorted(families)


def check_values(families, line):
    gross, hedged = line["gross_notional_usd"], line["hedged_notional_usd"]
    assert total(families, "trades_total", outcome="cleared") == line["cleared"], line
    assert math.isclose(total(families, "trade_notional_usd_total"), gross, rel_tol=1e-9), line
    assert total(families, "settlements_total") == line["cleared"], line
    for outcome, count in line["settlements"].items():
        assert total(families, "settlements_total", outcome=outcome) == count, (outcome, line)
    assert sum(line["settlements"].values()) == line["cleared"], line
    assert total(families, "settlements_in_flight") == 0
    assert total(families, "oldest_unsettled_seconds") < 5
    assert total(families, "hedge_tasks") == 0 and line["breaks"] == 0
    by_broker = families["crossclear_netting_efficiency_ratio"][1]
    efficiency = sum(
        ratio * total(families, "trade_notional_usd_total", broker=dict(labels)["broker"])
        for labels, ratio in by_broker["crossclear_netting_efficiency_ratio"].items())
    assert math.isclose(efficiency, gross - hedged, rel_tol=1e-6, abs_tol=1), (efficiency, line)
    imbalance = families["crossclear_ledger_imbalance_units"][1]
    assert not any(imbalance["crossclear_ledger_imbalance_units"].values())
    assert total(families, "redis_connected") == 1 and total(families, "redis_aof_written") == 1
    assert total(families, "redis_memory_used_bytes") > 0
    assert total(families, "redis_aof_size_bytes") > 0
    assert total(families, "partitions_owned") == 8
    assert total(families, "shard_exposure_usd") > 0


def check_parser_can_fail():
    good = "# HELP a b\n# TYPE a gauge\na{x=\"1\"} 2\n"
    parse(good)
    for bad in (good[:-1], good.replace('"1"', "1"), good.replace("gauge", "number"),
                good + "a{x=\"1\"} 3\n", good.replace("a{", "b{"), good + good):
        try:
            parse(bad)
        except (AssertionError, KeyError):
            continue
        raise SystemExit(f"the parser took {bad!r}")


async def visit(port):
    """A client that comes and goes: the demo's own stay until the end."""
    client = await Client.open(port, "0-1")
    await client.socket.close()


def main():
    check_parser_can_fail()
    with tempfile.TemporaryDirectory(prefix="crossclear-metrics-") as data:
        demo = Demo(data, "--trades", "1500", "--accounts", "40", "--json")
        try:
            asyncio.run(visit(demo.wait_until_trading()))
            scraper = Scraper(demo.ops_port)
            status, line = demo.wait()
            scraper.join(timeout=30)
        finally:
            demo.drop()
        assert status == 0, (status, demo.lines[-20:])
        families = parse(scraper.text)
        check_families(families)
        check_values(families, json.loads(line))
    print(f"{len(families)} families, all of them told, and the values agree with the demo's own")


if __name__ == "__main__":
    main()
