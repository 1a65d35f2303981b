# CAF and prometheus-cpp: what the environment names, or what is installed, or from Debian's source
# archives, checked, built once into a cached prefix outside the tree. Sourced by `dev`.
#
# The packaged CAF is a minor version behind (docs/decisions). The package of prometheus-cpp exists
# only on Debian 13 and brings a web server and curl along; its core alone builds in seconds.

CAF_VERSION=0.18.7
PROMETHEUS_VERSION=1.0.2

# The same of both, by name.
DEPENDENCIES=(prometheus-cpp caf)
declare -A VERSIONS=([caf]=$CAF_VERSION [prometheus-cpp]=$PROMETHEUS_VERSION)
declare -A SOURCE_PACKAGES=(
    [caf]=actor-framework=0.18.7-1~exp1
    [prometheus-cpp]=prometheus-cpp=1.0.2-2
)
declare -A SUITES=([caf]=experimental [prometheus-cpp]=trixie)
declare -A SHA256S=(
    [caf]=d5c3abe8fd67a729aab1baeece10367637d903ba335f4c79378bcadfbcd34552
    [prometheus-cpp]=65838fed64c4667140a574b78eb9f5c995bab80d575b082c9c677c6795c3c607
)
# One option per word.
declare -A OPTIONS=(
    [caf]="-DCAF_ENABLE_TESTING=OFF -DCAF_ENABLE_EXAMPLES=OFF -DCAF_ENABLE_TOOLS=OFF"
    [prometheus-cpp]="-DENABLE_PUSH=OFF -DENABLE_PULL=OFF -DENABLE_TESTING=OFF
        -DENABLE_COMPRESSION=OFF"
)
# Their names in the environment: CROSSCLEAR_CAF_ARCHIVE, CROSSCLEAR_CAF_SOURCE and so on.
declare -A VARIABLES=([caf]=CROSSCLEAR_CAF [prometheus-cpp]=CROSSCLEAR_PROMETHEUS)

# The machine's own Debian entry: "URI KEYRING"; the keyring may be empty. No host is written down.
debian_entry() {
    local codename uri keyring
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    # shellcheck disable=SC2016 # these are apt's own names
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

# prefix_of NAME VERSION VARIANT: where that build belongs. Whatever changes the result is part of
# the name, so another compiler or flag never meets a stale library.
prefix_of() {
    local name=$1 version=$2 variant=$3 flags compiler_version recipe
    flags=$(variant_flags "$variant")
    compiler_version=$("$(compiler)" --version | head -n 1)
    # shellcheck disable=SC2086 # one option per word
    recipe=$(printf '%s\n' "$compiler_version" "$flags" C++20 ${OPTIONS[$name]} | sha256sum)
    echo "$CACHE/prefix/$name-$version-$variant-${recipe:0:10}"
}

# version_in NAME FOLDER: what that source says it is; nothing if it says nothing.
version_in() {
    local found
    case $1 in
        caf)
            found=$(sed -nE 's/^#define CAF_VERSION ([0-9]+).*/\1/p' \
                "$2/libcaf_core/caf/config.hpp" 2>/dev/null) || true
            if [[ -n $found ]]; then
                echo "$((found / 10000)).$((found / 100 % 100)).$((found % 100))"
            fi ;;
        prometheus-cpp)
            tr -s '[:space:]' ' ' 2>/dev/null <"$2/CMakeLists.txt" |
                sed -nE 's/.*project ?\( ?prometheus-cpp VERSION ([0-9.]+).*/\1/p' ;;
    esac
}

# digest_of FOLDER: the names and contents of all that is in it.
digest_of() {
    local digest
    digest=$(tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --exclude-vcs \
        -C "$1" -cf - . | sha256sum) || return 1
    echo "${digest:0:10}"
}

# check_archive NAME FILE VARIABLE: whether it is the one that we know.
check_archive() {
    local name=$1 archive=$2 variable=$3 found
    [[ -f $archive ]] || fail "there is no archive $archive" "correct $variable, or unset it"
    found=$(sha256sum "$archive") || fail "$archive cannot be read" "correct $variable"
    found=${found%% *}
    [[ $found == "${SHA256S[$name]}" ]] ||
        fail "the archive of $name has sha256 $found, not ${SHA256S[$name]}: $archive" \
            "do not use it; set $variable to the right one"
}

# check_source NAME FOLDER VARIABLE: whether it is a source of the version that we want.
check_source() {
    local name=$1 folder=$2 variable=$3 found
    [[ -f $folder/CMakeLists.txt ]] ||
        fail "$variable=$folder holds no CMakeLists.txt" "name the unpacked source, or unset it"
    found=$(version_in "$name" "$folder")
    [[ $found == "${VERSIONS[$name]}" ]] ||
        fail "$variable=$folder is ${found:-no version} of $name; ${VERSIONS[$name]} is wanted" \
            "name an unpacked source of $name ${VERSIONS[$name]}, or unset it"
}

# fits NAME FOLDER: whether the CMake package in FOLDER is what our build asks for. Shared libraries
# of CAF are not: the linker's --wrap (cmake/tls) does not reach into them.
fits() {
    local component
    case $1 in
        caf)
            grep -qFx "set(PACKAGE_VERSION \"$CAF_VERSION\")" "$2/CAFConfigVersion.cmake" || return
            for component in core io openssl; do
                grep -qF "add_library(CAF::$component STATIC IMPORTED)" "$2/CAFTargets.cmake" ||
                    return
            done ;;
        prometheus-cpp)
            # It installs no version for CMake, but one for pkg-config.
            grep -qFx "Version: $PROMETHEUS_VERSION" \
                "$2/../../pkgconfig/prometheus-cpp-core.pc" &&
                grep -qFx 'set(PROMETHEUS_CPP_ENABLE_PULL OFF)' "$2/prometheus-cpp-config.cmake" &&
                grep -qFx 'set(PROMETHEUS_CPP_ENABLE_PUSH OFF)' "$2/prometheus-cpp-config.cmake" ;;
    esac 2>/dev/null
}

# installed NAME: the folder of the first CMake package that fits; nothing if there is none.
installed() {
    local package prefixes prefix folder
    case $1 in caf) package=CAF ;; *) package=$1 ;; esac
    IFS=: read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
    for prefix in "${prefixes[@]}" /usr/local /usr; do
        if [[ -z $prefix ]]; then continue; fi
        prefix=$(absolute "$prefix")
        for folder in "$prefix"/{lib/*-linux-gnu*,lib64,lib}/cmake/"$package"; do
            if [[ -d $folder ]] && fits "$1" "$folder"; then
                echo "$folder"
                return
            fi
        done
    done
}

# look_for NAME VARIANT: sets PLACE to where CMake finds the library, now or once it is built, and
# GIVEN to the source that the environment names. Everything it names is looked at on every run, so
# that no variable is passed over because an earlier build is there.
look_for() {
    local name=$1 variant=$2 variable=${VARIABLES[$1]} version=${VERSIONS[$1]} archive folder digest
    archive=${variable}_ARCHIVE archive=${!archive:-}
    folder=${variable}_SOURCE folder=${!folder:-}
    GIVEN=
    if [[ -n $folder && -n $archive ]]; then
        fail "${variable}_SOURCE and ${variable}_ARCHIVE are both set" "unset one of them"
    elif [[ -n $folder ]]; then
        GIVEN=$(absolute "$folder")
        check_source "$name" "$GIVEN" "${variable}_SOURCE"
        digest=$(digest_of "$GIVEN") || fail "$GIVEN cannot be read" "mend what tar names above"
        # It may be patched: never under the name of the checked one.
        PLACE=$(prefix_of "$name" "$version-given-$digest" "$variant")
        say "$name $version: from the source $GIVEN"
        return
    elif [[ -n $archive ]]; then
        GIVEN=$(absolute "$archive")
        check_archive "$name" "$GIVEN" "${variable}_ARCHIVE"
        say "$name $version: from the archive $GIVEN"
    elif [[ $variant == plain ]]; then
        PLACE=$(installed "$name")
        if [[ -n $PLACE ]]; then
            say "$name $version: the installed one, $PLACE"
            return
        fi
    fi
    PLACE=$(prefix_of "$name" "$version" "$variant")
}

# is_ready PLACE: a prefix that we built to its end, or the folder of an installed CMake package.
is_ready() { [[ -f $1/.complete || -f $1/CAFConfig.cmake || -f $1/prometheus-cpp-config.cmake ]]; }

# unpack ARCHIVE FOLDER: its content, without the outer folder.
unpack() {
    { mkdir -p "$2" && tar -xf "$1" -C "$2" --strip-components=1; } ||
        fail "cannot unpack $1 into $2" "is there space? Then again"
}

# source_of NAME GIVEN: sets SOURCE to the source's folder: the given one, or what the given or the
# downloaded archive holds (kept for other variants).
source_of() {
    local name=$1 given=$2 archive variable=${VARIABLES[$1]}_ARCHIVE
    local kept=$CACHE/archive/${SHA256S[$name]}.tar.gz
    step "fetching the source of $name"
    if [[ -d $given ]]; then
        SOURCE=$given
        return
    fi
    archive=$given
    if [[ -z $archive && -f $kept ]]; then
        archive=$kept
        if ! sha256sum --check --status <<<"${SHA256S[$name]}  $kept"; then
            say "the kept archive of $name is damaged; it is downloaded again"
            rm -f "$kept"
            archive=
        fi
    fi
    if [[ -z $archive ]]; then
        run_shown "downloading the source of $name" "$CACHE/log/$name-download.log" \
            "check the network, or set $variable to the archive, then again" \
            download_source "${SOURCE_PACKAGES[$name]}" "${SUITES[$name]}" "$WORK/$name/download"
        archive=$(find "$WORK/$name/download" -maxdepth 1 -name '*.orig.tar.*' ! -name '*.asc')
        [[ -f $archive ]] ||
            fail "apt-get brought no archive of $name" "set $variable to the archive, then again"
        check_archive "$name" "$archive" "$variable"
    fi
    if [[ $archive != "$kept" ]]; then
        mkdir -p "$CACHE/archive"
        { cp "$archive" "$kept.part" && mv "$kept.part" "$kept"; } ||
            fail "cannot keep $archive in $CACHE/archive" "is there space? Then again"
    fi
    SOURCE=$WORK/$name/source
    unpack "$archive" "$SOURCE"
}

# build_dependency NAME PREFIX VARIANT SOURCE: builds and moves into place. The stamp is inside what
# is moved, so a prefix is either complete or absent.
build_dependency() {
    local name=$1 prefix=$2 variant=$3 source=$4 version=${VERSIONS[$1]}
    local work=$WORK/$name log=$CACHE/log/$name-$version-$variant.log
    local remedy="mend what the log says, then again"
    step "building $name $version"
    # shellcheck disable=SC2086 # one option per word
    run_shown "configuring $name $version" "$log" "$remedy" \
        cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_CXX_COMPILER="$(compiler)" -DCMAKE_CXX_FLAGS="$(variant_flags "$variant")" \
        -DCMAKE_CXX_STANDARD=20 -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF \
        -DCMAKE_INSTALL_LIBDIR=lib ${OPTIONS[$name]}
    run_shown "building $name $version (once)" "$log" "$remedy" \
        ninja -C "$work/build" -j "$(job_count)"
    run_shown "installing $name $version" "$log" "$remedy" \
        cmake --install "$work/build" --prefix "$work/prefix"
    date -u +%FT%TZ >"$work/prefix/.complete"
    mkdir -p "$(dirname "$prefix")"
    rm -rf "$prefix"  # without a stamp: what an earlier version of this script left behind
    mv -T "$work/prefix" "$prefix"
}

# lock_builds: one builder at a time, until `dev` ends or unlocks.
lock_builds() {
    exec 9>"$CACHE/lock"
    if ! flock -n 9; then
        say "another setup is building the dependencies; waiting for it"
        flock 9
    fi
    rm -rf "$CACHE"/work.*  # of builders that were killed
    WORK=$(mktemp -d "$CACHE/work.XXXXXX")
}

unlock_builds() {
    remove_work
    WORK=
    exec 9>&-
}

# require_dependencies VARIANT: sees to both libraries and sets DEPS_PREFIX for CMake.
require_dependencies() {
    local variant=$1 name
    local -A places givens
    step "looking for CAF and prometheus-cpp"
    command -v "$(compiler)" >/dev/null ||
        fail "there is no compiler $(compiler)" "install it, or correct CXX"
    for name in "${DEPENDENCIES[@]}"; do
        look_for "$name" "$variant"
        places[$name]=$PLACE givens[$name]=$GIVEN
    done
    # What `dev` hands to CMake.
    # shellcheck disable=SC2034
    DEPS_PREFIX="${places[caf]};${places[prometheus-cpp]}"
    if is_ready "${places[caf]}" && is_ready "${places[prometheus-cpp]}"; then return; fi

    lock_builds
    for name in "${DEPENDENCIES[@]}"; do
        # Who waited for the lock finds the work done.
        if is_ready "${places[$name]}"; then continue; fi
        source_of "$name" "${givens[$name]}"
        build_dependency "$name" "${places[$name]}" "$variant" "$SOURCE"
    done
    unlock_builds
}
