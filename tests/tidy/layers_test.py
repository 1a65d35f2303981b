#!/usr/bin/env python3
"""The layer rule as a test: who may include whom. The tables below are the rule.

Includes go down only; folders on one level never include each other. Run it as it is, or through
`ctest -R tidy`. Each check is first shown a violation, so that a check gone blind fails too.
"""

import os
import pathlib
import re
import sys

LEVELS = {"base": 0, "risk": 1, "metrics": 1, "ledger": 2, "shards": 3, "store": 3, "actors": 4,
          "api": 5, "app": 6}

# The only header of a folder that another may include, where the level alone would allow more.
DOORS = {("api", "actors"): "actors/gateway.hpp"}

# Every folder of the ledger but the journal is a machine; this is what one may know of another.
NOT_MACHINES = {"journal"}
SHARED = {"commands.hpp", "events.hpp", "effects.hpp"}

# Third-party headers by prefix, and the paths whose files may include them. Longest prefix wins.
THIRD_PARTY = {
    # Formatting text is allowed to all; printing it is what style_test bans in the ledger.
    "fmt/": [f"{folder}/" for folder in LEVELS],
    "Eigen/": ["risk/"],
    "boost/math/": ["risk/"],
    "boost/multiprecision/": ["shards/evm/"],
    "secp256k1": ["shards/evm/"],
    "cryptopp/": ["shards/evm/"],
    "prometheus/": ["metrics/"],
    "google/protobuf/": ["ledger/journal/"],
    "openssl/": ["base/tls_files", "ledger/journal/", "store/redis/tls", "api/"],
    "boost/beast": ["shards/", "api/"],
    "boost/asio": ["shards/", "api/", "app/desk", "app/demo"],
    "boost/system": ["shards/", "api/"],
    "boost/json": ["shards/evm/", "api/", "app/"],
    "hiredis": ["store/"],
    "caf/": ["actors/", "app/assembly."],
    "boost/pfr": ["actors/pack."],
    "CLI/": ["app/"],
    "yaml-cpp/": ["app/"],
    "spdlog/": ["app/"],
    # Linux itself rather than a library.
    "sys/": ["base/", "shards/", "store/", "actors/", "api/", "app/"],
    "netinet/": ["shards/", "store/", "api/", "app/"],
    "arpa/": ["shards/", "store/", "api/", "app/"],
    "linux/": ["store/", "app/"],
}
# Generated headers stay behind the codec.
GENERATED = re.compile(r"^ledger/journal/.*\.pb\.h$")
SYSTEM_HEADERS = {"unistd.h", "fcntl.h", "signal.h", "poll.h", "netdb.h", "dirent.h", "spawn.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def machine_of(path):
    """The machine folder of the ledger that `path` lies in, or None."""
    parts = path.split("/")
    is_inside = len(parts) > 2 and parts[0] == "ledger" and parts[1] not in NOT_MACHINES
    return parts[1] if is_inside else None


def breach_of_own(path, name):
    """Says what is wrong with the file `path` including the project's header `name`, or None."""
    folder = path.split("/")[0]
    target = name.split("/")[0]
    if "/" not in name or target not in LEVELS:
        return "is not rooted at the repository, or is of no folder in the table"
    if GENERATED.match(name) and not path.startswith("ledger/journal/"):
        return "is generated; only ledger/journal/ may see it"
    if target == folder:
        mine, theirs = machine_of(path), machine_of(name)
        if mine and theirs and mine != theirs and name.split("/")[-1] not in SHARED:
            return "is private to its machine; others share commands, events and effects"
        return None
    if LEVELS[target] > LEVELS[folder]:
        return f"is above: {target} is level {LEVELS[target]}, {folder} is {LEVELS[folder]}"
    if LEVELS[target] == LEVELS[folder]:
        return f"is on the same level as {folder}"
    door = DOORS.get((folder, target))
    if door and name != door:
        return f"is behind the door {door}"
    return None


def breach_of_third_party(path, name):
    """Says what is wrong with the file `path` including the foreign header `name`, or None."""
    if name in SYSTEM_HEADERS:
        if path.startswith(("ledger/", "risk/")):
            return "is the operating system's; this folder is pure"
        return None
    prefixes = [prefix for prefix in THIRD_PARTY if name.startswith(prefix)]
    if prefixes:
        allowed = THIRD_PARTY[max(prefixes, key=len)]
        if path.startswith(tuple(allowed)):
            return None
        return f"belongs to {', '.join(allowed)}"
    if re.fullmatch(r"[a-z_0-9]+", name):
        return None  # the standard library
    return "is in no row of the table of third parties"


def breaches(path, text):
    """All breaches of the layer rule in one file, as lines `path:line: ...`."""
    found = []
    for match in INCLUDE.finditer(text):
        kind, name = match.groups()
        wrong = breach_of_own(path, name) if kind == '"' else breach_of_third_party(path, name)
        if wrong:
            line = text.count("\n", 0, match.start(2)) + 1
            found.append(f"{path}:{line}: {name} {wrong}")
    return found


# (file, include, whether it breaks the rule)
CONTROLS = [
    ("risk/a.cpp", '"base/ids.hpp"', False),
    ("base/a.cpp", '"risk/margin.hpp"', True),
    ("risk/a.cpp", '"metrics/registry.hpp"', True),
    ("shards/lane.cpp", '"store/redis/journal.hpp"', True),
    ("ledger/postings.cpp", '"actors/gateway.hpp"', True),
    ("api/server.cpp", '"actors/gateway.hpp"', False),
    ("api/server.cpp", '"actors/handles.hpp"', True),
    ("app/assembly.cpp", '"actors/handles.hpp"', False),
    ("ledger/hedge/machine.cpp", '"ledger/account/events.hpp"', False),
    ("ledger/hedge/machine.cpp", '"ledger/account/state.hpp"', True),
    ("ledger/hedge/machine.cpp", '"ledger/hedge/state.hpp"', False),
    ("ledger/hedge/machine.cpp", '"machine.hpp"', True),
    ("ledger/journal/codec.cpp", '"ledger/journal/record.pb.h"', False),
    ("store/redis/journal.cpp", '"ledger/journal/record.pb.h"', True),
    ("ledger/journal/codec.cpp", "<google/protobuf/arena.h>", False),
    ("ledger/account/machine.cpp", "<google/protobuf/arena.h>", True),
    ("ledger/account/machine.cpp", "<openssl/sha.h>", True),
    ("ledger/account/machine.cpp", "<spdlog/fmt/fmt.h>", True),
    ("actors/node.cpp", "<caf/all.hpp>", False),
    ("api/server.cpp", "<caf/all.hpp>", True),
    ("app/assembly.cpp", "<caf/all.hpp>", False),
    ("app/config.cpp", "<caf/all.hpp>", True),
    ("store/redis/connection.cpp", "<hiredis/hiredis.h>", False),
    ("store/redis/tls.cpp", "<openssl/ssl.h>", False),
    ("store/redis/instance.cpp", "<openssl/ssl.h>", True),
    ("actors/journal.cpp", "<hiredis/hiredis.h>", True),
    ("metrics/registry.cpp", "<prometheus/registry.h>", False),
    ("api/ops.cpp", "<prometheus/registry.h>", True),
    ("shards/evm/client.cpp", "<boost/beast/http.hpp>", False),
    ("app/main.cpp", "<boost/asio/io_context.hpp>", True),
    ("app/main.cpp", "<boost/json.hpp>", False),
    ("actors/node.cpp", "<spdlog/spdlog.h>", True),
    ("app/main.cpp", "<spdlog/spdlog.h>", False),
    ("base/a.cpp", "<vector>", False),
    ("base/a.cpp", "<unheard/of.hpp>", True),
    ("ledger/chart.cpp", "<unistd.h>", True),
]


def controls_that_fail():
    failed = []
    for path, include, is_breach in CONTROLS:
        if bool(breaches(path, f"#pragma once\n#include {include}\n")) != is_breach:
            failed.append(f"control: {path} including {include} should "
                          f"{'fail' if is_breach else 'pass'}")
    return failed


def main():
    root = pathlib.Path(os.environ.get("CROSSCLEAR_SOURCE", pathlib.Path(__file__).parents[2]))
    failures = controls_that_fail()
    files = 0
    for folder in LEVELS:
        for file in sorted((root / folder).rglob("*.[ch]pp")):
            files += 1
            path = file.relative_to(root).as_posix()
            failures += breaches(path, file.read_text(encoding="utf-8"))
    if files == 0:
        failures.append(f"no sources found below {root}")
    print("\n".join(failures) if failures else f"layers: {files} files keep the rule")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
