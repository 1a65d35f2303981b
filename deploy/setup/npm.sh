# What contracts and tests on real chains take: anvil, a chain on this machine; solc, and
# OpenZeppelin for it to compile; viem, a second opinion on what we encode. From npm, pinned by the
# lock file in npm/ and kept in the cache. Sourced by `dev`.

# require_npm: sees to it and exports CROSSCLEAR_NPM, the folder with node_modules. No script of any
# package runs: what anvil's own would start is started directly.
require_npm() {
    local wanted folder
    step "looking for what real chains take"
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        require_packages nodejs npm
    fi
    wanted=$(cat deploy/setup/npm/package.json deploy/setup/npm/package-lock.json | sha256sum)
    folder=$CACHE/npm/${wanted:0:10}
    if [[ ! -f $folder/.complete ]]; then
        open_cache
        lock_builds
        # Who waited for the lock finds the work done.
        if [[ ! -f $folder/.complete ]]; then
            mkdir -p "$WORK/npm" "$CACHE/npm"
            cp deploy/setup/npm/package.json deploy/setup/npm/package-lock.json "$WORK/npm"
            run_shown "npm ci: what real chains take (once)" "$CACHE/log/npm.log" \
                "check the network and npm's registry, then again" \
                env -C "$WORK/npm" npm ci --ignore-scripts --no-audit --no-fund
            date -u +%FT%TZ >"$WORK/npm/.complete"
            rm -rf "$folder"
            mv -T "$WORK/npm" "$folder"
        fi
        unlock_builds
    fi
    export CROSSCLEAR_NPM=$folder
}
