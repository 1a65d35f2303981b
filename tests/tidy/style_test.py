#!/usr/bin/env python3
"""The house style as a test, as far as a program can check it. Run it as it is, or with ctest.

A check is a function from (path, text) to breaches, and each carries its own negative control: a
snippet that it must refuse and one that it must accept.
"""

import os
import pathlib
import re
import sys

OURS = ("base", "risk", "metrics", "ledger", "shards", "store", "actors", "api", "app", "bench",
        "tests")
CODE = (".cpp", ".hpp")
SCRIPTS = (".py", ".sh", ".cmake")
FORMATS = (".proto",)
COLUMNS_MAX = 100
LINES_MAX = 500

# In the ledger an answer must depend on nothing but its arguments.
LEDGER_BANS = {
    r"\b(double|float)\b": "floating point",
    r"#\s*include\s*<(chrono|random|ctime|iostream|locale|clocale|thread|mutex|atomic|filesystem"
    r"|fstream|cmath|cstdio)>": "a header of clocks, chance, floating point, threads or I/O",
    r"\bstd::(rand|time|getenv|setlocale|locale|chrono|random_device|thread|mutex|cout|cerr|clog)"
    r"\b": "a clock, chance, environment, thread or I/O",
    r"(?<![\w:.>])(rand|srand|time|getenv|setlocale|printf)\s*\(": "a clock, chance or environment",
    r"\b(fmt::print|spdlog::\w+)\b": "logging",
    r"\bthrow\b": "an exception",
}


def without_comments(text):
    """`text` with comments and string literals blanked, lines kept; 1'000 is no literal."""
    strings = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    pattern = re.compile(r"//[^\n]*|/\*.*?\*/|" + strings, re.DOTALL)

    def blank(match):
        found = match.group(0)
        return re.sub(r"[^\n]", " ", found)
    return pattern.sub(blank, re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "", text))


def matches(path, text, pattern, message):
    return [f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {message}"
            for found in re.finditer(pattern, text)]


def bans_in_ledger(path, text):
    if not path.startswith("ledger/") or not path.endswith(CODE):
        return []
    code = without_comments(text)
    found = [breach for pattern, what in LEDGER_BANS.items()
             for breach in matches(path, code, pattern, f"{what} is banned in ledger/")]
    if path.endswith("/state.hpp"):
        found += matches(path, code, r"\bstd::unordered_\w+", "a state is iterated in order only")
    return found


def line_width(path, text):
    return [f"{path}:{number}: {len(line)} columns, {COLUMNS_MAX} at most"
            for number, line in enumerate(text.split("\n"), 1) if len(line) > COLUMNS_MAX]


def file_length(path, text):
    lines = text.count("\n")
    return [f"{path}: {lines} lines, fewer than {LINES_MAX} wanted"] if lines >= LINES_MAX else []


def no_fixme(path, text):
    return matches(path, text, r"\bFIX" + r"ME\b", "finish it, or make it an issue")


def todo_names_an_issue(path, text):
    return matches(path, text, r"\bTO" + r"DO\b(?!\(#\d+\))", "names no issue, as in (#12)")


def pragma_once(path, text):
    if path.endswith(".hpp") and not re.search(r"^#pragma once$", text, re.MULTILINE):
        return [f"{path}: no #pragma once"]
    return []


def snake_case_files(path, text):
    name = path.split("/")[-1].split(".")[0]
    if path.endswith(CODE) and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return [f"{path}: files are snake_case"]
    return []


def no_tabs(path, text):
    return matches(path, text, r"\t", "a tab; four spaces wanted")


def no_trailing_space(path, text):
    return matches(path, text, r"[ \r]+(?=\n)", "space at the end of the line")


def no_machine_paths(path, text):
    return matches(path, text, r"(?<![\w.])/(home|root|work)/\w+", "a path of one machine")


def no_banners(path, text):
    return matches(path, text, r"(?m)^[ \t]*(?://+|#+|/\*+)[ \t]*(?:[-=*#~/_+]{3,}|[─━═]{2,})",
                   "a banner; what belongs apart gets a file of its own")


def namespace_is_ours(path, text):
    folder = path.split("/")[0]
    if folder in ("tests", "bench", "app") or not path.endswith(".hpp"):
        return []
    if re.search(r"\bnamespace crossclear\b", text):
        return []
    return [f"{path}: nothing is in namespace crossclear"]


# check, path, a text it must refuse, one it must accept
CHECKS = [
    (bans_in_ledger, "ledger/a.cpp", "double x = 1;", "int x = 1;  // not a double"),
    (bans_in_ledger, "ledger/a.cpp", "#include <chrono>\n", "#include <vector>\n"),
    (bans_in_ledger, "ledger/a.cpp", "auto t = time(nullptr);", "auto t = x.time();"),
    (bans_in_ledger, "ledger/a.cpp", "x = std::rand();", 'why("std::rand() is banned");'),
    (bans_in_ledger, "ledger/a.cpp", "throw 1;", "return 1;"),
    (bans_in_ledger, "ledger/account/state.hpp", "std::unordered_map<int, int> m;",
     "std::map<int, int> m;"),
    (line_width, "base/a.cpp", "x" * 101, "x" * 100),
    (file_length, "base/a.cpp", "\n" * 500, "\n" * 499),
    (no_fixme, "base/a.cpp", "// FIX" + "ME later", "// fixed"),
    (todo_names_an_issue, "base/a.cpp", "// TO" + "DO: later", "// TO" + "DO(#7): later"),
    (pragma_once, "base/a.hpp", "int x;\n", "#pragma once\nint x;\n"),
    (snake_case_files, "base/BadName.cpp", "", ""),
    (no_tabs, "base/a.cpp", "\tint x;", "    int x;"),
    (no_trailing_space, "base/a.cpp", "int x; \n", "int x;\n"),
    (no_machine_paths, "base/a.cpp", 'open("/ho' + 'me/me/x")', 'get("/livez")'),
    (no_banners, "base/a.cpp", "int x;\n// -" + "-- Calls -" + "--\n", "// -1 -- and no more.\n"),
    (no_banners, "base/a.cpp", "    //" + "/" * 9, "    /// What for.\n    /// - one\n"),
    (no_banners, "base/a.py", "# =" + "====\n", "x = '#===='\n"),
    (namespace_is_ours, "base/a.hpp", "int x;", "namespace crossclear::base {}"),
]


def controls_that_fail():
    failed = []
    for check, path, bad, good in CHECKS:
        if not check(path, bad):
            failed.append(f"control: {check.__name__} does not see {bad!r}")
        accepted = "base/good_name.cpp" if check is snake_case_files else path
        if check(accepted, good):
            failed.append(f"control: {check.__name__} refuses {good!r}")
    return failed


def applies(check, path):
    """Others answer for their layout and words; what is about C++ is checked in C++."""
    if path.endswith(CODE):
        return True
    # A format stands in one file, however long.
    if path.endswith(FORMATS) and check is file_length:
        return False
    return check in (line_width, no_fixme, no_tabs, no_trailing_space, no_machine_paths,
                     todo_names_an_issue, file_length, no_banners)


def files_of(root):
    for folder in OURS:
        for file in sorted((root / folder).rglob("*")):
            is_text = file.suffix in CODE + SCRIPTS + FORMATS or file.name == "CMakeLists.txt"
            if file.is_file() and is_text and "node_modules" not in file.parts:
                yield file
    for folder in ("cmake", "deploy"):
        for file in sorted((root / folder).rglob("*")):
            if file.is_file() and file.suffix in CODE + SCRIPTS:
                yield file
    for name in ("dev", "CMakeLists.txt"):
        if (root / name).is_file():
            yield root / name


def main():
    root = pathlib.Path(os.environ.get("CROSSCLEAR_SOURCE", pathlib.Path(__file__).parents[2]))
    failures = controls_that_fail()
    files = 0
    checks = list(dict.fromkeys(check for check, *_ in CHECKS))
    for file in files_of(root):
        files += 1
        path = file.relative_to(root).as_posix()
        text = file.read_text(encoding="utf-8")
        # Foreign translation units and precompiled headers have no namespace of ours.
        skipped = (pragma_once, namespace_is_ours) if path.startswith("cmake/") else ()
        for check in checks:
            if check not in skipped and applies(check, path):
                failures += check(path, text)
    if files == 0:
        failures.append(f"no sources found below {root}")
    print("\n".join(failures) if failures else f"style: {files} files keep the rules")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
