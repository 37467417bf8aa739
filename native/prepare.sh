# Sourced by the commands at the root: makes sure that the SDK and the system's libraries are there.
# Says nothing when they are. Installs with apt only what is absent, and only when it may.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDTERMINALLOGGER=off
# No build servers left behind on a machine that is thrown away afterwards.
[ "${CI:-}" = true ] && export MSBUILDDISABLENODEREUSE=1
export npm_config_fetch_retries=5

fail() { echo "$(basename "$0"): $*" >&2; exit 2; }

# again COMMAND...: up to three times, for what asks the network.
again() {
    local attempt
    for attempt in 1 2 3; do
        if "$@"; then return 0; fi
        [ "$attempt" -eq 3 ] || sleep $((attempt * 5))
    done
    return 1
}

has_library() { ldconfig -p 2>/dev/null | grep -qF "$1 " || compgen -G "/usr/lib/*/$1" >/dev/null || compgen -G "/lib/*/$1" >/dev/null || compgen -G "/usr/lib*/$1" >/dev/null; }

# prepare: .NET SDK, libssl, libsodium, libzstd, what the native SQLite needs if it must be built, and the upload page.
prepare() {
    if ! command -v dotnet >/dev/null && [ -x "${HOME:-/nonexistent}/.dotnet/dotnet" ]; then PATH=$HOME/.dotnet:$PATH; fi
    command -v dotnet >/dev/null || fail "the .NET 10 SDK is needed and 'dotnet' is not in the PATH; install it and try again"
    (cd "$root" && dotnet --version >/dev/null 2>&1) || fail "the .NET 10 SDK is needed; 'dotnet' here is another version"

    local missing=()
    has_library libssl.so.3 || missing+=(libssl3)
    has_library libsodium.so.23 || missing+=(libsodium23)
    has_library libzstd.so.1 || missing+=(libzstd1)
    if [ ! -f "$root/.cache/native/libe_sqlite3.so" ]; then
        command -v gcc >/dev/null || missing+=(gcc libc6-dev)
        command -v npm >/dev/null || missing+=(npm)
    fi
    if [ ! -f "$root/.cache/page/.built" ] && ! command -v npm >/dev/null; then missing+=(npm); fi
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
    [ -f "$root/.cache/native/libe_sqlite3.so" ] || "$root/native/build-sqlite.sh"
    # Whether its sources changed since is looked at by each build of Pairwise.Server.
    [ -f "$root/.cache/page/.built" ] || "$root/native/build-page.sh"
}

# prepare_tests: programs that tests compare with.
prepare_tests() {
    command -v openssl >/dev/null || install_packages openssl
}

# prepare_page_tests: a browser and what drives it. Tests that lack them say so and are skipped.
prepare_page_tests() {
    local missing=()
    command -v npm >/dev/null || missing+=(npm)
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
    if [ ${#missing[@]} -gt 0 ] && ! (install_packages "${missing[@]}"); then return 0; fi
    local page=$root/web/upload
    if [ ! "$page/node_modules/.package-lock.json" -nt "$page/package-lock.json" ]; then
        echo "Installing what tests the upload page..." >&2
        (cd "$page" && again npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch node_modules/.package-lock.json) \
            || echo "npm could not install what tests the upload page: its tests are skipped." >&2
    fi
}

install_packages() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo -n)
        else fail "these system packages are missing: $*. Install them as root (apt-get install $*) and try again"; fi
    fi
    command -v apt-get >/dev/null || fail "these libraries are missing and there is no apt-get to install them: $*"
    echo "Installing system packages: $*" >&2
    local log install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y --no-install-recommends "$@")
    log=$(mktemp)
    if ! { "${install[@]}" || { again "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update && again "${install[@]}"; }; } >"$log" 2>&1 </dev/null; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: $*"
    fi
    rm -f "$log"
}

# build CONFIGURATION PROJECT...: builds what changed since the last time; silent unless it fails.
build() {
    local configuration=$1 project stamp
    shift
    for project in "$@"; do
        stamp=$root/.cache/built-$configuration-$(basename "$project")
        if [ -f "$stamp" ] && [ -z "$(find "$root/src" "$root/apps" "$root/benchmarks" "$root/native" "$root/web" "$root"/Directory.*.props "$root/global.json" "$root/.editorconfig" \
            \( -name bin -o -name obj -o -name node_modules \) -prune -o -type f -newer "$stamp" -print -quit)" ] && [ -d "$root/$project/bin/$configuration" ]; then continue; fi
        [ -f "$stamp" ] || echo "Building $(basename "$project")..." >&2
        mkdir -p "$root/.cache"
        touch "$stamp.new"
        local log=$stamp.log
        if ! dotnet build "$root/$project" -c "$configuration" -v q -nologo >"$log" 2>&1 </dev/null; then
            grep -E "error|warning" "$log" | sort -u | head -n 20 >&2 || cat "$log" >&2
            fail "the build of $project failed"
        fi
        mv "$stamp.new" "$stamp"
    done
}
