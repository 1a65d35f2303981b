#!/usr/bin/env python3
"""The runbook quotes what the service logs, so that a search for a sentence finds its remedy.

Every sentence logged from `info` on stands in docs/runbook.md, and every sentence that its chapter
"What the log says" quotes is one the service can log.
"""

import os
import pathlib
import re
import sys

FOLDERS = ("store", "actors", "api", "app")
LITERALS = re.compile(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*')
# A call that logs, up to the end of its statement; debug is not told by default.
CALL = re.compile(r'\b(?:log_?|on_trouble)\s*\(((?:"(?:\\.|[^"\\\n])*"|[^;"])*);')
CHAPTER = "\n## What the log says\n"


def joined(literal):
    return "".join(re.findall(r'"((?:\\.|[^"\\\n])*)"', literal))


def logged_in(text):
    """The sentences that calls in `text` log; fields are short words and drop out."""
    found = set()
    for call in CALL.finditer(text):
        arguments = call.group(1)
        if "LogLevel::debug" in arguments:
            continue
        if "LogLevel::" not in arguments and "on_trouble" not in call.group(0):
            continue
        before_fields = arguments.split("{{", 1)[0]
        found |= {sentence for sentence in map(joined, LITERALS.findall(before_fields))
                  if len(sentence.split()) > 2}
    return found


def quoted_in(runbook):
    """The sentences that the chapter quotes, with its line breaks undone."""
    chapter = runbook.partition(CHAPTER)[2].partition("\n## ")[0]
    flat = " ".join(chapter.split())
    return {quote for quote in re.findall(r"`([A-Z][^`]*[.…])`", flat)}


def breaches(sources, runbook):
    logged = set().union(*(logged_in(text) for text in sources))
    flat = " ".join(runbook.split())
    found = [f"docs/runbook.md does not name the sentence: {sentence}"
             for sentence in sorted(logged) if f"`{sentence}`" not in flat]
    for quote in sorted(quoted_in(runbook)):
        if quote not in logged:
            found.append(f"docs/runbook.md quotes what nobody logs: {quote}")
    return found, logged


CONTROL = 'log(LogLevel::info, is ? "It came to pass." : "It did; "\n "or not.", {{"a b c d", x}});'
CONTROL_DEBUG = 'log(LogLevel::debug, "It sleeps a while.", {});'


def controls_that_fail():
    cases = [
        ("both named", CONTROL, CHAPTER + "`It came to pass.`, `It did; or not.`\n", 0),
        ("one is missing", CONTROL, CHAPTER + "`It came to\npass.`\n", 1),
        ("one is not logged", CONTROL, CHAPTER + "`It came to pass.`, `It did; or not.` `No.`", 1),
        ("debug is not told", CONTROL_DEBUG, CHAPTER, 0),
    ]
    return [f"control failed: {name}" for name, source, runbook, count in cases
            if len(breaches([source], runbook)[0]) != count]


def main():
    root = pathlib.Path(os.environ.get("CROSSCLEAR_SOURCE", pathlib.Path(__file__).parents[2]))
    sources = [file.read_text(encoding="utf-8") for folder in FOLDERS
               for file in sorted((root / folder).rglob("*.cpp"))]
    runbook = (root / "docs/runbook.md").read_text(encoding="utf-8")
    found, logged = breaches(sources, runbook)
    found += controls_that_fail()
    if len(logged) < 40:
        found.append(f"only {len(logged)} sentences found: the way of logging has changed")
    print("\n".join(found) if found else f"runbook: {len(logged)} sentences of the log are named")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
