#!/usr/bin/env bash
# Builds the encrypted SQLite (SQLite3 Multiple Ciphers) as libe_sqlite3.so and puts it at the path given.
#
#   native/build-sqlite.sh [DESTINATION]          default: .cache/native/libe_sqlite3.so in the repository
#
# The amalgamation comes from a pinned npm package; package and source are checked against the hashes below.
# A build is kept per machine (PAIRWISE_CACHE, else XDG_CACHE_HOME/pairwise, else ~/.cache/pairwise) under the
# hash of this script, so that changing a version or a flag here builds anew. Two builds at once wait for one another.
set -euo pipefail

package=better-sqlite3-multiple-ciphers
version=12.11.1
package_sha256=01388c78f46ce63c6aec021f67b364cc67bd637edba64f7add0c0230ce5f777a
source_sha256=670d8d053176b53a68073b168f8e68fb72db67bdf964a0eb130338e9391198b9

# Temporary tables stay in memory: SQLite's temporary files are not encrypted.
# Only the SQLCipher scheme is ever used; the others are left out.
flags=(
    -O2 -fPIC -shared -w
    -DSQLITE_THREADSAFE=1 -DSQLITE_DQS=0 -DSQLITE_DEFAULT_FOREIGN_KEYS=1 -DSQLITE_TEMP_STORE=3
    -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_SECURE_DELETE
    -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_OMIT_SHARED_CACHE
    -DSQLITE_USE_URI=0 -DSQLITE_USER_AUTHENTICATION=0
    -DHAVE_CIPHER_AES_128_CBC=0 -DHAVE_CIPHER_AES_256_CBC=0 -DHAVE_CIPHER_CHACHA20=0
    -DHAVE_CIPHER_RC4=0 -DHAVE_CIPHER_ASCON128=0 -DHAVE_CIPHER_AEGIS=0 -DHAVE_CIPHER_SQLCIPHER=1
    -DCODEC_TYPE=CODEC_TYPE_SQLCIPHER
)

fail() { echo "native/build-sqlite.sh: $*" >&2; exit 1; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
destination=${1:-$root/.cache/native/libe_sqlite3.so}
if [ -n "${PAIRWISE_CACHE:-}" ]; then cache=$PAIRWISE_CACHE
elif [ -n "${XDG_CACHE_HOME:-}" ]; then cache=$XDG_CACHE_HOME/pairwise
elif [ -n "${HOME:-}" ] && mkdir -p "$HOME/.cache/pairwise" 2>/dev/null; then cache=$HOME/.cache/pairwise
else cache=$root/.cache; fi

key=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-16)
kept=$cache/native/sqlite-$version-$(uname -m)-$key
mkdir -p "$cache/native" "$(dirname "$destination")"

exec 9>"$cache/native/.lock"
flock 9

if [ ! -f "$kept/libe_sqlite3.so" ]; then
    command -v npm >/dev/null || fail "npm is needed once to fetch SQLite; install it (apt-get install npm) and try again"
    command -v gcc >/dev/null || fail "gcc is needed once to build SQLite; install it (apt-get install gcc libc6-dev) and try again"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    echo "Building the encrypted SQLite (once per machine, about half a minute)..." >&2
    (cd "$work" && npm pack --silent "$package@$version" >/dev/null) \
        || fail "cannot fetch $package $version with npm"
    archive=$work/$package-$version.tgz
    echo "$package_sha256  $archive" | sha256sum --check --status \
        || fail "$package $version is not the package that was pinned (its SHA-256 differs)"
    tar -xzf "$archive" -C "$work" package/deps/sqlite3
    echo "$source_sha256  $work/package/deps/sqlite3/sqlite3.c" | sha256sum --check --status \
        || fail "sqlite3.c of $package $version is not the source that was pinned (its SHA-256 differs)"
    gcc "${flags[@]}" -o "$work/libe_sqlite3.so" "$work/package/deps/sqlite3/sqlite3.c" -lm -lpthread -ldl \
        || fail "gcc could not build SQLite"
    strip --strip-unneeded "$work/libe_sqlite3.so" 2>/dev/null || true
    mkdir -p "$kept"
    mv "$work/libe_sqlite3.so" "$kept/libe_sqlite3.so.new"
    mv "$kept/libe_sqlite3.so.new" "$kept/libe_sqlite3.so"
fi

if ! cmp -s "$kept/libe_sqlite3.so" "$destination"; then
    cp "$kept/libe_sqlite3.so" "$destination.$$"
    mv "$destination.$$" "$destination"
fi
touch "$destination"
