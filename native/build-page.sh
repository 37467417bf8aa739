#!/usr/bin/env bash
# Builds the upload page of the file server (web/upload) with npm, and puts it into the folder given.
#
#   native/build-page.sh [DESTINATION]          default: .cache/page in the repository
#
# A build is kept per machine (PAIRWISE_CACHE, else XDG_CACHE_HOME/pairwise, else ~/.cache/pairwise) under the hash of
# the page's sources, so that npm is asked only when they changed. Two builds at once wait for one another.
set -euo pipefail

fail() { echo "native/build-page.sh: $*" >&2; exit 1; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
destination=${1:-$root/.cache/page}
if [ -n "${PAIRWISE_CACHE:-}" ]; then cache=$PAIRWISE_CACHE
elif [ -n "${XDG_CACHE_HOME:-}" ]; then cache=$XDG_CACHE_HOME/pairwise
elif [ -n "${HOME:-}" ] && mkdir -p "$HOME/.cache/pairwise" 2>/dev/null; then cache=$HOME/.cache/pairwise
else cache=$root/.cache; fi

cd "$root/web/upload"
sources=(build.mjs package.json package-lock.json page src)
key=$(find "${sources[@]}" "$root/native/build-page.sh" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sed "s| $root/| |" | sha256sum | cut -c1-16)
kept=$cache/page/$key
mkdir -p "$cache/page" "$destination"

exec 9>"$cache/page/.lock"
flock 9

if [ ! -f "$kept/index.html" ]; then
    command -v npm >/dev/null || fail "npm is needed to build the upload page; install it (apt-get install npm) and try again"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    echo "Building the upload page (once for each change of it)..." >&2
    cp -r "${sources[@]}" "$work"
    # Packages are those of the lock file, whose hashes npm checks; none of their scripts is run.
    (cd "$work" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error >"$work/npm.log" 2>&1) \
        || { tail -n 20 "$work/npm.log" >&2; fail "npm could not fetch what the upload page is built from"; }
    node "$work/build.mjs" "$work/built" || fail "the upload page could not be built"
    mkdir -p "$kept"
    cp -r "$work/built/." "$kept.new.$$"
    rm -rf "$kept"
    mv "$kept.new.$$" "$kept"
fi

# Files that did not change keep their times, so that nothing is compiled again for them.
for file in "$kept"/*; do
    name=$(basename "$file")
    cmp -s "$file" "$destination/$name" || { cp "$file" "$destination/.$name.$$"; mv "$destination/.$name.$$" "$destination/$name"; }
done
for file in "$destination"/*; do
    [ -e "$kept/$(basename "$file")" ] || rm -rf "$file"
done
touch "$destination/.built"
