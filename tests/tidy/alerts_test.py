#!/usr/bin/env python3
"""Alert rules name figures that exist and sections that somebody can open.

Every figure and label in an expression is one of metrics/instruments.cpp; every rule has a
severity, a `for`, texts and a section of the docs; docs/runbook.md lists all alerts and no others.
"""

import os
import pathlib
import re
import sys

import yaml

RULES = "deploy/alerts/crossclear.yaml"
RUNBOOK = "docs/runbook.md"
DOCS = (RUNBOOK, "docs/settlement.md")
CHAPTER = "\n## Alerts\n"
SEVERITIES = ("page", "ticket")
TEXTS = {"summary", "description", "runbook"}
# What Prometheus itself adds, to everything or by itself.
GIVEN_LABELS = {"job", "instance"}
GIVEN = {"up": set()}

DECLARED = re.compile(r'(?:counters?|gauges?|histograms?)\(\s*"(\w+)"\s*,\s*'
                      r'(?:"(?:\\.|[^"\\])*"\s*)+(?:,\s*\{([^}]*)\})?')
# A figure, and what is asked of its labels.
NAMED = re.compile(r"\b(up|[a-z]+_[a-z0-9_]+)\b(?:\s*\{([^}]*)\})?")
WORDS = {"group_left", "group_right", "count_over_time", "avg_over_time", "max_over_time",
         "min_over_time", "sum_over_time"}


def figures_in(source):
    """Each figure of instruments.cpp with its labels."""
    return {"crossclear_" + name: set(re.findall(r'"(\w+)"', labels or ""))
            for name, labels in DECLARED.findall(source)} | GIVEN


def anchors_in(text):
    """The anchors of a document's headings, as they are made of them on the web."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def breaches_of_expression(name, expression, figures):
    # Label names in parentheses are no figures.
    plain = re.sub(r"\b(by|on|without|ignoring|group_left)\s*\([^)]*\)", " ", expression)
    named = [found for found in NAMED.findall(plain) if found[0] not in WORDS]
    if not named:
        yield f"{name}: names no figure"
    for figure, selector in named:
        if figure not in figures:
            yield f"{name}: there is no {figure}"
            continue
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
            if label not in figures[figure] | GIVEN_LABELS:
                yield f"{name}: {figure} has no label {label}"


def breaches_of_rule(rule, figures, anchors):
    name = rule["alert"]
    yield from breaches_of_expression(name, rule["expr"], figures)
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"{name}: its severity is none of {', '.join(SEVERITIES)}"
    if "for" not in rule:
        yield f"{name}: has no `for`"
    texts = rule.get("annotations", {})
    if set(texts) != TEXTS:
        yield f"{name}: its annotations are {sorted(texts)} and not {sorted(TEXTS)}"
    if texts.get("runbook") not in anchors:
        yield f"{name}: there is no {texts.get('runbook')}"


def breaches(rules, source, docs):
    """`docs` are texts by path."""
    figures = figures_in(source)
    anchors = {f"{path}#{anchor}" for path, text in docs.items() for anchor in anchors_in(text)}
    rules = [rule for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]]
    found = [breach for rule in rules for breach in breaches_of_rule(rule, figures, anchors)]
    names = [rule["alert"] for rule in rules]
    found += [f"{name}: stands twice" for name in sorted(set(names)) if names.count(name) > 1]
    chapter = docs[RUNBOOK].partition(CHAPTER)[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE))
    found += [f"{RUNBOOK} does not list {name}" for name in sorted(set(names) - listed)]
    found += [f"{RUNBOOK} lists {name}, which is no rule" for name in sorted(listed - set(names))]
    return found, len(names)


CONTROL_RULES = """
groups:
  - name: some
    rules:
      - alert: CrossclearLow
        expr: sum by (shard) (rate(crossclear_level{shard!="a"}[5m])) < 2 and up == 1
        for: 1m
        labels: {severity: page}
        annotations: {summary: It is low., description: Very., runbook: docs/runbook.md#its-lows-2}
"""
CONTROL_SOURCE = 'level(Maker{registry}.gauges("level", "How "\n "high.", {"broker", "shard"}))'
CONTROL_DOCS = {RUNBOOK: "# Runbook\n\n## Its lows, 2\n" + CHAPTER + "| `CrossclearLow` | here |\n"}


def controls_that_fail():
    cases = [
        ("as it should be", "", "", 0),
        ("no such figure", "crossclear_level", "crossclear_levels", 1),
        ("no such label", "shard!=", "shards!=", 1),
        ("no such section", "lows-2", "lows", 1),
        ("no such severity", "page", "call", 1),
        ("no `for`", "for: 1m", "keep_firing_for: 1m", 1),
        ("no description", "description: Very., ", "", 1),
        ("not listed, and another one is", "CrossclearLow", "CrossclearHigh", 2),
        ("nothing asked", 'sum by (shard) (rate(crossclear_level{shard!="a"}[5m])) < 2 and up == 1',
         "vector(1)", 1),
    ]
    for name, old, new, count in cases:
        found, _ = breaches(CONTROL_RULES.replace(old, new), CONTROL_SOURCE, CONTROL_DOCS)
        if len(found) != count:
            yield f"control failed: {name}: {found}"


def main():
    root = pathlib.Path(os.environ.get("CROSSCLEAR_SOURCE", pathlib.Path(__file__).parents[2]))

    def text_of(path):
        return (root / path).read_text(encoding="utf-8")
    found, count = breaches(text_of(RULES), text_of("metrics/instruments.cpp"),
                            {path: text_of(path) for path in DOCS})
    found += controls_that_fail()
    if count == 0:
        found.append(f"{RULES} holds no rule")
    print("\n".join(found) if found else f"alerts: {count} rules name what exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
