# Debian packages: asks dpkg first and touches apt only if something is missing. Sourced by `dev`.

# Debian's release number; other systems are told so instead of being half configured.
debian_release() {
    local release
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && [[ ${ID:-} == debian ]] && echo "${VERSION_ID:-}") || true
    case $release in
        12 | 13) echo "$release" ;;
        *) fail "this is not Debian 12 or 13" \
            "use such a machine or container, e.g. the image debian:12" ;;
    esac
}

# What it takes to build, run and test.
base_packages() {
    cat <<'END'
g++ cmake ninja-build ccache pkg-config protobuf-compiler
libprotobuf-dev libhiredis-dev libcli11-dev libyaml-cpp-dev libspdlog-dev libfmt-dev libssl-dev
zlib1g-dev libsecp256k1-dev libcrypto++-dev librapidcheck-dev libgtest-dev libgmock-dev
libbenchmark-dev libjemalloc-dev redis-server openssl redis-tools python3 python3-jsonschema
python3-websockets python3-yaml quantlib-python prometheus dpkg-dev debian-archive-keyring curl
ca-certificates git iproute2
END
    # Boost.JSON and Asio are compiled by ourselves (cmake/Boost.cmake), so headers are enough.
    # Debian 12's default Boost is 1.74, which is too old.
    if [[ $1 == 12 ]]; then echo libboost1.81-dev; else echo libboost-dev; fi
}

# as_root COMMAND...: directly, or through sudo.
as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"; else sudo -- "$@"; fi
}

# require_packages NAME...: installs those that are missing.
require_packages() {
    local missing=() name installed
    # It also fails if it knows only some of them.
    # shellcheck disable=SC2016 # these are dpkg's own names
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
    for name in "$@"; do
        # No process for each of some forty names.
        [[ $'\n'$installed$'\n' == *$'\n'"installed $name"$'\n'* ]] || missing+=("$name")
    done
    if ((${#missing[@]} == 0)); then return; fi

    step "installing packages"
    open_cache
    say "installing ${#missing[@]} packages: ${missing[*]}"
    local by_hand="as root: apt-get update && apt-get install ${missing[*]}"
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null ||
            fail "packages are missing and there is no sudo to install them with" "$by_hand"
        # Asked for here, in the foreground: what follows has no terminal to ask on.
        sudo true || fail "packages are missing and sudo refused" "$by_hand"
    fi
    local log=$CACHE/log/apt.log
    run_shown "reading the package lists" "$log" "check the network and the proxy, then again" \
        as_root apt-get -o DPkg::Lock::Timeout=300 --error-on=any update
    run_shown "apt-get install" "$log" "look at the log; $by_hand" \
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        install --yes --no-install-recommends "${missing[@]}"
}
