# How the scripts speak: what is being done, how far it is, and why it failed. Sourced by `dev`.

say() { printf '== %s\n' "$*" >&2; }

# fail MESSAGE [REMEDY]: one line that says what, one that says what to do about it.
fail() {
    printf '\nfailed: %s\n' "$1" >&2
    if [[ -n ${2:-} ]]; then printf 'what to do: %s\n' "$2" >&2; fi
    exit 1
}

# The last "[n/m]" that ninja wrote, as a percentage; empty if there is none.
percentage_in() {
    tail -c 4000 "$1" 2>/dev/null | grep -oE '^\[[0-9]+/[0-9]+\]' | tail -n 1 |
        awk -F'[][/]' '{printf "%3d%%", 100 * $2 / $3}' || true
}

# run_shown TITLE LOG REMEDY COMMAND...: runs COMMAND, output to LOG, and shows progress: on a
# terminal one line that is rewritten, elsewhere a line about every 10 seconds.
run_shown() {
    local title=$1 log=$2 remedy=$3 started=$SECONDS shown=$SECONDS ticks=0 pid status=0
    shift 3
    : >"$log"
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    # An interrupted run must not leave its compilers behind.
    trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        ticks=$((ticks + 1))
        if ((ticks <= 10)); then sleep 0.1; else sleep 0.5; fi
        if [[ -t 2 ]]; then
            printf '\r   %s %s %d s ' "$title" "$(percentage_in "$log")" $((SECONDS - started)) >&2
        elif ((SECONDS - shown >= 10)); then
            shown=$SECONDS
            printf '   %s %s %d s\n' "$title" "$(percentage_in "$log")" $((SECONDS - started)) >&2
        fi
    done
    wait "$pid" || status=$?
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

# How many jobs at once: the processors, but no more than memory allows (a heavy file takes 1 GiB).
job_count() {
    local processors memory_gib
    processors=$(nproc)
    memory_gib=$(awk '/^MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)
    if ((memory_gib < 1)); then memory_gib=1; fi
    echo "${CROSSCLEAR_JOBS:-$((processors < memory_gib ? processors : memory_gib))}"
}
