# CAF and prometheus-cpp: from Debian's source archives, checked, built once into a cached prefix
# outside the tree. Sourced by `dev`.
#
# The packaged CAF is a minor version behind (docs/decisions). The package of prometheus-cpp exists
# only on Debian 13 and brings a web server and curl along; its core alone builds in seconds.

CAF_VERSION=0.18.7
CAF_SOURCE_PACKAGE=actor-framework=0.18.7-1~exp1
CAF_SUITE=experimental
CAF_SHA256=d5c3abe8fd67a729aab1baeece10367637d903ba335f4c79378bcadfbcd34552
CAF_OPTIONS=(-DCAF_ENABLE_TESTING=OFF -DCAF_ENABLE_EXAMPLES=OFF -DCAF_ENABLE_TOOLS=OFF)

PROMETHEUS_VERSION=1.0.2
PROMETHEUS_SOURCE_PACKAGE=prometheus-cpp=1.0.2-2
PROMETHEUS_SUITE=trixie
PROMETHEUS_SHA256=65838fed64c4667140a574b78eb9f5c995bab80d575b082c9c677c6795c3c607
PROMETHEUS_OPTIONS=(-DENABLE_PUSH=OFF -DENABLE_PULL=OFF -DENABLE_TESTING=OFF
    -DENABLE_COMPRESSION=OFF)

# The machine's own Debian entry: "URI KEYRING"; the keyring may be empty. No host is written down.
debian_entry() {
    local codename uri keyring
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(CREATED_BY) $(REPO_URI)' |
        awk -v codename="$codename" \
            '($1 == codename || $1 == "stable" || $1 == "oldstable") && $2 == "main" &&
             $3 == "Packages" {print $4; exit}')
    [[ -n $uri ]] || return 1
    # The keyring named beside that URI, in either format of sources; the distribution's otherwise.
    keyring=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources \
        /etc/apt/sources.list.d/*.list 2>/dev/null | awk -v uri="${uri%/}" '
            /^$/ {found = 0; key = ""}
            /^Signed-By: *\// {key = $2}
            /^URIs:/ && index($0, uri) {found = 1}
            found && key != "" {print key; exit}
            /^deb / && index($0, uri) && match($0, /signed-by=[^] ]+/) {
                print substr($0, RSTART + 10, RLENGTH - 10); exit
            }')
    local candidate
    for candidate in "$keyring" /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        if [[ -n $candidate && -r $candidate ]]; then keyring=$candidate; break; fi
    done
    echo "$uri $keyring"
}

# download_source PACKAGE SUITE DIRECTORY: the upstream archive of a source package, into DIRECTORY.
# apt gets lists and a cache of its own, so that the machine's configuration stays as it is.
download_source() {
    local package=$1 suite=$2 directory=$3 entry uri keyring
    entry=$(debian_entry) || { echo "no Debian entry in this machine's apt sources"; return 1; }
    read -r uri keyring <<<"$entry"
    mkdir -p "$directory"/{sources,lists/partial,cache/archives/partial}
    {
        printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$suite"
        if [[ -n $keyring ]]; then printf 'Signed-By: %s\n' "$keyring"; fi
    } >"$directory/sources/source.sources"
    local private=(
        -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$directory/sources"
        -o "Dir::State::lists=$directory/lists" -o "Dir::Cache=$directory/cache"
        -o Acquire::Languages=none
        # A mirror that stands still serves an index past its date; the archive's sha256 decides.
        -o Acquire::Check-Valid-Until=false
    )
    # As root apt would hand the download to a user who cannot enter our directory.
    if [[ $(id -u) == 0 ]]; then private+=(-o APT::Sandbox::User=root); fi
    apt-get "${private[@]}" --error-on=any update &&
        cd "$directory" && apt-get "${private[@]}" source --download-only --tar-only "$package"
}

compiler() { echo "${CXX:-c++}"; }

# The flags of a variant: plain, or tsan (it reports noise unless everything is built with it).
variant_flags() {
    # Newer compilers no longer bring <cstdint> along by accident, which CAF 0.18 relied on.
    case $1 in
        plain) echo "-include cstdint" ;;
        tsan) echo "-include cstdint -fsanitize=thread -O1 -g" ;;
    esac
}

# prefix_of NAME VERSION VARIANT OPTION...: where that build belongs. Whatever changes the result is
# part of the name, so another compiler or flag never meets a stale library.
prefix_of() {
    local name=$1 version=$2 variant=$3 flags compiler_version recipe
    shift 3
    flags=$(variant_flags "$variant")
    compiler_version=$("$(compiler)" --version | head -n 1)
    recipe=$(printf '%s\n' "$compiler_version" "$flags" C++20 "$@" | sha256sum | cut -c1-10)
    echo "$CACHE/prefix/$name-$version-$variant-$recipe"
}

# unpack ARCHIVE DIRECTORY: its content, without the outer folder.
unpack() { mkdir -p "$2" && tar -xf "$1" -C "$2" --strip-components=1; }

# build_dependency NAME VERSION PREFIX VARIANT SOURCE OPTION...: builds and moves into place. The
# stamp is inside what is moved, so a prefix is either complete or absent.
build_dependency() {
    local name=$1 version=$2 prefix=$3 variant=$4 source=$5
    shift 5
    local work=$WORK/$name log=$CACHE/log/$name-$version-$variant.log
    local remedy="the log says what the compiler said; remove $CACHE and run ./dev setup again"
    run_shown "configuring $name $version" "$log" "$remedy" \
        cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_CXX_COMPILER="$(compiler)" -DCMAKE_CXX_FLAGS="$(variant_flags "$variant")" \
        -DCMAKE_CXX_STANDARD=20 -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF \
        -DCMAKE_INSTALL_LIBDIR=lib "$@"
    run_shown "building $name $version (once)" "$log" "$remedy" \
        ninja -C "$work/build" -j "$(job_count)"
    run_shown "installing $name $version" "$log" "$remedy" \
        cmake --install "$work/build" --prefix "$work/prefix"
    date -u +%FT%TZ >"$work/prefix/.complete"
    mkdir -p "$(dirname "$prefix")"
    rm -rf "$prefix"  # without a stamp: what an earlier version of this script left behind
    mv -T "$work/prefix" "$prefix"
}

# source_of NAME PACKAGE SUITE SHA256 ARCHIVE FOLDER VARIABLE: sets SOURCE to the source's folder:
# the given folder, or what the given or the downloaded archive holds (kept for other variants).
source_of() {
    local name=$1 package=$2 suite=$3 sha256=$4 archive=$5 folder=$6 variable=$7
    if [[ -n $folder ]]; then
        [[ -f $folder/CMakeLists.txt ]] ||
            fail "${variable}_SOURCE=$folder holds no CMakeLists.txt" "name the unpacked source"
        SOURCE=$(realpath "$folder")
        return
    fi
    local kept=$CACHE/archive/$sha256.tar.gz
    if [[ -z $archive && -f $kept ]]; then archive=$kept; fi
    if [[ -z $archive ]]; then
        run_shown "downloading the source of $name" "$CACHE/log/$name-download.log" \
            "check the network, or set ${variable}_ARCHIVE to the archive, then again" \
            download_source "$package" "$suite" "$WORK/$name/download"
        archive=$(find "$WORK/$name/download" -maxdepth 1 -name '*.orig.tar.*' ! -name '*.asc')
    fi
    [[ -f $archive ]] || fail "there is no archive $archive" "correct ${variable}_ARCHIVE"
    local found
    found=$(sha256sum "$archive" | cut -d' ' -f1)
    [[ $found == "$sha256" ]] ||
        fail "the archive of $name has sha256 $found, not $sha256" \
            "do not use it; set ${variable}_ARCHIVE to the right one"
    if [[ $archive != "$kept" ]]; then
        mkdir -p "$CACHE/archive"
        cp "$archive" "$kept.part" && mv "$kept.part" "$kept"
    fi
    SOURCE=$WORK/$name/source
    unpack "$archive" "$SOURCE"
}

# require_dependencies VARIANT: sees to both libraries and sets DEPS_PREFIX for CMake.
require_dependencies() {
    local variant=$1 caf prometheus
    caf=$(prefix_of caf $CAF_VERSION "$variant" "${CAF_OPTIONS[@]}")
    prometheus=$(prefix_of prometheus-cpp $PROMETHEUS_VERSION "$variant" "${PROMETHEUS_OPTIONS[@]}")
    DEPS_PREFIX="$caf;$prometheus"
    if [[ -f $caf/.complete && -f $prometheus/.complete ]]; then return; fi

    # One builder at a time; who waited finds the work done and skips it below.
    mkdir -p "$CACHE"
    exec 9>"$CACHE/lock"
    if ! flock -n 9; then
        say "another setup is building the dependencies; waiting for it"
        flock 9
    fi
    WORK=$(mktemp -d "$CACHE/work.XXXXXX")
    trap 'rm -rf "$WORK"' EXIT
    if [[ ! -f $prometheus/.complete ]]; then
        source_of prometheus-cpp "$PROMETHEUS_SOURCE_PACKAGE" "$PROMETHEUS_SUITE" \
            "$PROMETHEUS_SHA256" "${CROSSCLEAR_PROMETHEUS_ARCHIVE:-}" \
            "${CROSSCLEAR_PROMETHEUS_SOURCE:-}" CROSSCLEAR_PROMETHEUS
        build_dependency prometheus-cpp $PROMETHEUS_VERSION "$prometheus" "$variant" "$SOURCE" \
            "${PROMETHEUS_OPTIONS[@]}"
    fi
    if [[ ! -f $caf/.complete ]]; then
        source_of caf "$CAF_SOURCE_PACKAGE" "$CAF_SUITE" "$CAF_SHA256" \
            "${CROSSCLEAR_CAF_ARCHIVE:-}" "${CROSSCLEAR_CAF_SOURCE:-}" CROSSCLEAR_CAF
        build_dependency caf $CAF_VERSION "$caf" "$variant" "$SOURCE" "${CAF_OPTIONS[@]}"
    fi
    rm -rf "$WORK"
    trap - EXIT
    exec 9>&-
}
