#!/usr/bin/env bash
# `dev` itself: what it says when something is wrong, and which CAF and prometheus-cpp it takes.
#
# Without network, root or a real build: programs that would touch the machine are replaced by ones
# that tell, the libraries by sources that install an empty package, the cache by a folder of ours.
set -uo pipefail
root=$(realpath "${CROSSCLEAR_SOURCE:-$(dirname "${BASH_SOURCE[0]}")/../..}")
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
failures=0 said=

unset "${!CROSSCLEAR_@}" CMAKE_PREFIX_PATH CXX
export CROSSCLEAR_CACHE=$temp/cache PATH=$temp/bin:$PATH
mkdir "$temp/bin" "$temp/caller"

# fake NAME BODY: a program that shadows the real one.
fake() { printf '#!/bin/bash\n%s\n' "$2" >"$temp/bin/$1" && chmod +x "$temp/bin/$1"; }
fake dpkg-query 'shift 2; printf "installed %s\n" "$@"'
# shellcheck disable=SC2016 # for the program, not for us
fake apt-get 'if [[ $1 != indextargets ]]; then echo "E: no network"; exit 100; fi
echo "stable main Packages http://nowhere.invalid/"'
fake sudo "touch $temp/sudo_was_called; exit 1"
fake node true
fake npm 'mkdir node_modules'

# dev ARGS...: its status in `status`, what it says in `said`; called from a folder that is not its.
dev() {
    status=0
    said=$(cd "$temp/caller" && "$root/dev" "$@" 2>&1 </dev/null) || status=$?
}

# expect CLAIM STATUS TEXT...: that status, and each text somewhere in what was said.
expect() {
    local claim=$1 wanted=$2 text wrong=
    shift 2
    if [[ $status != "$wanted" ]]; then wrong="status $status, not $wanted"; fi
    for text in "$@"; do
        if [[ $said != *"$text"* ]]; then wrong+="; does not say: $text"; fi
    done
    if [[ $(grep -c '^failed: ' <<<"$said") != "$wanted" ]]; then wrong+="; not one 'failed:'"; fi
    if [[ $wanted != 0 && $said != *"what to do: "* ]]; then wrong+="; no remedy"; fi
    report "$claim" "$wrong" "$said"
}

# holds CLAIM COMMAND...: the command succeeds.
holds() {
    local claim=$1 wrong=
    shift
    "$@" || wrong="not so: $*"
    report "$claim" "$wrong" "$said"
}

report() {
    if [[ -z $2 ]]; then
        echo "ok      $1"
    else
        printf 'FAILED  %s: %s\n--- it said:\n%s\n---\n' "$1" "${2#; }" "$3"
        failures=$((failures + 1))
    fi
}

# fake_sources FOLDER CAF_VERSION PROMETHEUS_VERSION: FOLDER/caf and FOLDER/prometheus.
fake_sources() {
    mkdir -p "$1/caf/libcaf_core/caf" "$1/prometheus"
    printf '#define CAF_VERSION %s\n' "$2" >"$1/caf/libcaf_core/caf/config.hpp"
    printf 'project(prometheus-cpp\n  VERSION %s\n  LANGUAGES NONE)\n' "$3" \
        >"$1/prometheus/CMakeLists.txt"
    echo 'project(CAF LANGUAGES NONE)' >"$1/caf/CMakeLists.txt"
    local folder
    for folder in "$1/caf" "$1/prometheus"; do
        sed -i '1i cmake_minimum_required(VERSION 3.25)' "$folder/CMakeLists.txt"
        echo 'install(FILES CMakeLists.txt DESTINATION share)' >>"$folder/CMakeLists.txt"
    done
}

# fake_installed PREFIX VERSION KIND: what CMake writes for an installed CAF.
fake_installed() {
    local folder=$1/lib/cmake/CAF component
    mkdir -p "$folder"
    : >"$folder/CAFConfig.cmake"
    printf 'set(PACKAGE_VERSION "%s")\n' "$2" >"$folder/CAFConfigVersion.cmake"
    for component in core io openssl; do
        echo "add_library(CAF::$component $3 IMPORTED)"
    done >"$folder/CAFTargets.cmake"
}

prefixes() { find "$CROSSCLEAR_CACHE/prefix" -mindepth 1 -maxdepth 1 -name "$1" -printf '%f\n'; }
count_is() { [[ $(prefixes "$1" | wc -l) == "$2" ]]; }
is_absent() { [[ -z $1 || ! -e $1 ]]; }

test_words() {
    dev help
    expect "help explains" 0 "usage: ./dev COMMAND" CROSSCLEAR_CAF_SOURCE "CAF 0.18.7 and"
    dev nonsense
    expect "an unknown command is named" 1 "there is no command 'nonsense'" "usage: ./dev"
    holds "neither makes a cache" is_absent "$CROSSCLEAR_CACHE"
    dev build nonsense
    expect "an unknown preset is named" 1 "there is no preset nonsense" "one of: release"
}

test_cache() {
    touch "$temp/file"
    CROSSCLEAR_CACHE=$temp/file/cache dev help
    expect "help needs no cache" 0 "usage: ./dev"
    CROSSCLEAR_CACHE=$temp/file/cache dev setup
    expect "a cache that cannot be made is told" 1 "the cache $temp/file/cache cannot be made" \
        "set CROSSCLEAR_CACHE"
    CROSSCLEAR_CACHE=mine dev setup
    holds "a relative cache is the caller's" test -d "$temp/caller/mine/log"
}

test_given() {
    fake_sources "$temp/right" 1807 1.0.2
    fake_sources "$temp/wrong" 1805 1.0.1
    CROSSCLEAR_PROMETHEUS_SOURCE=$temp/right/prometheus CROSSCLEAR_CAF_SOURCE=$temp/wrong/caf \
        dev setup
    expect "another CAF is refused" 1 "$temp/wrong/caf is 0.18.5 of caf; 0.18.7 is wanted"
    CROSSCLEAR_PROMETHEUS_SOURCE=$temp/wrong/prometheus dev setup
    expect "another prometheus-cpp is refused" 1 "is 1.0.1 of prometheus-cpp; 1.0.2 is wanted"
    CROSSCLEAR_PROMETHEUS_SOURCE=$temp/right/caf dev setup
    expect "another library is refused" 1 "is no version of prometheus-cpp"
    CROSSCLEAR_CAF_SOURCE=nowhere CROSSCLEAR_PROMETHEUS_SOURCE=../right/prometheus dev setup
    expect "a missing source is told" 1 "CROSSCLEAR_CAF_SOURCE=$temp/caller/nowhere holds no"
    CROSSCLEAR_CAF_SOURCE=a CROSSCLEAR_CAF_ARCHIVE=b dev setup
    expect "source and archive are not both taken" 1 "are both set" "unset one"
    holds "nothing of this was built" is_absent "$CROSSCLEAR_CACHE/prefix"

    export CROSSCLEAR_CAF_SOURCE=../right/caf CROSSCLEAR_PROMETHEUS_SOURCE=../right/prometheus
    dev setup
    expect "relative sources are the caller's" 0 "from the source $temp/caller/../right/caf" \
        "building caf 0.18.7" "set up; CMake finds" caf-0.18.7-given-
    holds "a given source is kept apart" count_is "*-0.18.7-plain-*" 0
    dev setup
    expect "a second run builds nothing" 0 "set up; CMake finds"
    if [[ $said == *building* ]]; then report "a second run builds nothing" again "$said"; fi
    holds "what npm brings is kept" test -d "$(echo "$CROSSCLEAR_CACHE"/npm/*/node_modules)"
    rm -r "$CROSSCLEAR_CACHE/npm"
    fake npm 'echo "npm error: no registry"; exit 1'
    dev setup
    expect "npm that fails is told" 1 "failed: npm ci" "npm error: no registry" "check the network"
    fake npm 'mkdir node_modules'
    dev setup
    expect "and asked again" 0 "npm ci: what real chains take (once): done"
    echo '# changed' >>"$temp/right/caf/CMakeLists.txt"
    dev setup
    expect "a changed source is built again" 0 "building caf 0.18.7"
    holds "beside the earlier one" count_is "caf-0.18.7-given-*" 2
    unset CROSSCLEAR_CAF_SOURCE

    # tsan takes nothing installed, so what this machine has does not matter.
    dev build tsan
    expect "without the variable it is not taken; a failed download names step and remedy" 1 \
        "failed: downloading the source of caf" "E: no network" "set CROSSCLEAR_CAF_ARCHIVE"
    fake mktemp 'echo "mktemp: no space" >&2; exit 1'
    dev build tsan
    rm "$temp/bin/mktemp"
    expect "a failure that nobody foresaw names step and place" 1 "mktemp: no space" \
        "failed: looking for CAF and prometheus-cpp (" "dependencies.sh:"
    CXX=no-such-compiler dev build tsan
    expect "a missing compiler is told" 1 "there is no compiler no-such-compiler" "correct CXX"
    unset CROSSCLEAR_PROMETHEUS_SOURCE
}

test_archives() {
    echo 'not the archive' >"$temp/caller/wrong.tar.gz"
    # As after a complete build: what is named must be looked at all the same.
    local prefix
    prefix=$(CACHE=$CROSSCLEAR_CACHE; . "$root/deploy/setup/dependencies.sh"
        prefix_of caf 0.18.7 plain)
    mkdir -p "$prefix" && touch "$prefix/.complete"
    export CROSSCLEAR_PROMETHEUS_SOURCE=$temp/right/prometheus
    CROSSCLEAR_CAF_ARCHIVE=wrong.tar.gz dev setup
    expect "another archive is refused" 1 "the archive of caf has sha256" "not d5c3abe8" \
        "$temp/caller/wrong.tar.gz" "do not use it"
    CROSSCLEAR_CAF_ARCHIVE=nowhere.tar.gz dev setup
    expect "a missing archive is told" 1 "there is no archive $temp/caller/nowhere.tar.gz" \
        "correct CROSSCLEAR_CAF_ARCHIVE"
    CROSSCLEAR_CAF_SOURCE=$temp/wrong/caf dev setup
    expect "a source is looked at though a build is there" 1 "is 0.18.5 of caf"
}

test_installed() {
    fake_installed "$temp/inst" 0.18.7 STATIC
    fake_installed "$temp/old" 0.18.6 STATIC
    fake_installed "$temp/shared" 0.18.7 SHARED
    CMAKE_PREFIX_PATH=$temp/old:$temp/shared:$temp/inst dev setup
    expect "the installed one that fits is taken" 0 \
        "caf 0.18.7: the installed one, $temp/inst/lib/cmake/CAF"
    CROSSCLEAR_CAF_SOURCE=$temp/right/caf CMAKE_PREFIX_PATH=$temp/inst dev setup
    expect "what the environment names goes first" 0 "caf 0.18.7: from the source $temp/right/caf"
    CMAKE_PREFIX_PATH=$temp/inst dev build tsan
    expect "tsan takes nothing installed" 1 "failed: downloading the source of caf"
}

test_stopped() {
    local signal program dev_pid
    mkfifo "$temp/started"
    # CMake calls it as well, for its version and more; dev with -C FOLDER -j.
    fake ninja "if [[ \${3:-} != -j ]]; then exec $(command -v ninja) \"\$@\"; fi
echo \$\$ >$temp/started; exec sleep 300"
    export CROSSCLEAR_PROMETHEUS_SOURCE=$temp/right/prometheus CROSSCLEAR_CACHE=$temp/stopped
    for signal in TERM HUP; do
        "$root/dev" build tsan >"$temp/stopped.log" 2>&1 </dev/null &
        dev_pid=$!
        read -r program <"$temp/started"
        kill "-$signal" "$dev_pid"
        wait "$dev_pid" 2>/dev/null
        said=$(<"$temp/stopped.log")
        holds "$signal ends the program that is waited for" is_absent "/proc/$program"
        holds "$signal leaves no work" is_absent "$(find "$temp/stopped" -name 'work.*')"
    done
    rm "$temp/bin/ninja"
}

test_words
test_cache
test_given
test_archives
test_installed
holds "no half-built work is left" is_absent "$(find "$CROSSCLEAR_CACHE" -name 'work.*' | head -1)"
test_stopped
holds "nobody asked for root" is_absent "$temp/sudo_was_called"
if ((failures > 0)); then
    echo "failed: $failures claims"
    exit 1
fi
echo passed
