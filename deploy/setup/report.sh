# How the scripts speak: what is being done, how far it is, and why it failed. Sourced by `dev`.

say() { printf '== %s\n' "$*" >&2; }

# step WHAT: what is being done, for a failure that nobody foresaw.
STEP=starting
step() { STEP=$1; }

# The status of a subshell that has already said why it failed.
SAID=99

# fail MESSAGE [REMEDY]: one line that says what, one that says what to do about it.
fail() {
    printf '\nfailed: %s\n' "$1" >&2
    if [[ -n ${2:-} ]]; then printf 'what to do: %s\n' "$2" >&2; fi
    if ((BASH_SUBSHELL > 0)); then exit "$SAID"; fi
    trap - EXIT
    remove_work
    exit 1
}

# What `dev` leaves nowhere, however it ends: WORK is set while dependencies are built, RUNNING
# while run_shown waits for a program, whose compilers must not go on alone.
WORK='' RUNNING=''
remove_work() {
    if [[ -n $RUNNING ]]; then
        kill "$RUNNING" 2>/dev/null || true
        wait "$RUNNING" 2>/dev/null || true
    fi
    if [[ -n $WORK ]]; then rm -rf "$WORK"; fi
}

# at_exit STATUS: a command that failed without a word of ours gets one here.
at_exit() {
    local status=$1
    trap - EXIT
    remove_work
    case $status in
        0 | 129 | 130 | 143) exit "$status" ;;  # all but 0: somebody stopped it
        "$SAID") exit 1 ;;
    esac
    printf '\nfailed: %s (%s; exit status %d)\n' "$STEP" "${FAILED_AT:-unknown place}" \
        "$status" >&2
    printf 'what to do: mend what the lines above name, then the same command again\n' >&2
    exit "$status"
}

# From here on no command fails in silence. The trap on ERR only notes the place; set -e ends.
watch_failures() {
    set -E
    trap 'FAILED_AT="${BASH_SOURCE[0]}:$LINENO: $BASH_COMMAND"' ERR
    trap 'at_exit $?' EXIT
}

# absolute PATH: as the caller meant it, from the folder that `dev` was called in.
absolute() { if [[ $1 == /* ]]; then echo "$1"; else echo "$CALLER/$1"; fi; }

# open_cache: called by whatever writes there, so that ./dev help needs none.
open_cache() {
    local said foreign remedy="set CROSSCLEAR_CACHE to a folder that you may write to"
    said=$(mkdir -p "$CACHE/log" 2>&1) || fail "the cache $CACHE cannot be made: $said" "$remedy"
    # What an earlier run as another user left would fail later, and less clearly.
    foreign=$(find "$CACHE" "$CACHE/log" -maxdepth 1 ! -writable -print -quit)
    [[ -z $foreign ]] ||
        fail "the cache holds what you may not write: $foreign" "give it to yourself, or $remedy"
}

# The last "[n/m]" that ninja wrote, as a percentage; empty if there is none.
percentage_in() {
    tail -c 4000 "$1" 2>/dev/null | grep -oE '^\[[0-9]+/[0-9]+\]' | tail -n 1 |
        awk -F'[][/]' '{printf "%3d%%", 100 * $2 / $3}' || true
}

# run_shown TITLE LOG REMEDY COMMAND...: runs COMMAND, output to LOG, and shows progress: on a
# terminal one line that is rewritten, elsewhere a line about every 10 seconds.
run_shown() {
    local title=$1 log=$2 remedy=$3 started=$SECONDS shown=$SECONDS ticks=0 status=0
    shift 3
    : >"$log"
    "$@" >"$log" 2>&1 </dev/null &
    RUNNING=$!
    trap 'exit 130' INT TERM
    while kill -0 "$RUNNING" 2>/dev/null; do
        ticks=$((ticks + 1))
        if ((ticks <= 10)); then sleep 0.1; else sleep 0.5; fi
        if [[ -t 2 ]]; then
            printf '\r   %s %s %d s ' "$title" "$(percentage_in "$log")" $((SECONDS - started)) >&2
        elif ((SECONDS - shown >= 10)); then
            shown=$SECONDS
            printf '   %s %s %d s\n' "$title" "$(percentage_in "$log")" $((SECONDS - started)) >&2
        fi
    done
    wait "$RUNNING" || status=$?
    RUNNING=
    trap - INT TERM
    if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
    if ((status != 0)); then
        printf '\n--- the end of %s\n' "$log" >&2
        # Errors first: with several compilers at work the last lines may be another file's.
        { grep -nE 'error:|FAILED:|^E: |undefined reference' "$log" | head -n 15; echo ...
          tail -n 15 "$log"; } >&2 || true
        fail "$title (exit status $status; whole log: $log)" "$remedy"
    fi
    printf '   %s: done, %d s\n' "$title" $((SECONDS - started)) >&2
}

# How many jobs at once: the processors, but no more than memory allows (a heavy unit takes 2 GiB).
job_count() {
    local processors by_memory
    processors=$(nproc)
    by_memory=$(awk '/^MemAvailable/ {print int($2 / (2 * 1048576))}' /proc/meminfo)
    if ((by_memory < 1)); then by_memory=1; fi
    echo "${CROSSCLEAR_JOBS:-$((processors < by_memory ? processors : by_memory))}"
}
