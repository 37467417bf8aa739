#!/bin/sh
# Brings back what backup.sh saved, as root:  ./restore.sh smp|xftp FILE.tar.gz
#
# What is there now is kept beside it as *.before-restore. Install the program first (install.sh).
set -eu

. "$(cd "$(dirname "$0")" && pwd)/relay.sh"
choose "${1:-}" || usage
file=${2:-}
root=${DESTDIR:-}
[ -f "$file" ] || fail "there is no file '$file'"
tar -tzf "$file" >/dev/null || fail "$file is broken"
tar -tzf "$file" | grep -q "^${config#/}/ca.crt$" || fail "$file is no backup of $name: it has no ${config#/}/ca.crt"
if [ -z "$root" ]; then
    [ "$(id -u)" = 0 ] || fail "this needs root: run it with sudo"
    id "$user" >/dev/null 2>&1 || fail "there is no user $user: install the program first (install.sh)"
fi

[ -n "$root" ] || ! has_systemd || systemctl stop "$name"
for folder in "$root$config" "$root$state"; do
    if [ -e "$folder" ]; then
        rm -rf "$folder.before-restore"
        mv "$folder" "$folder.before-restore"
    fi
done
tar -xzpf "$file" -C "${root:-/}" || fail "the archive could not be unpacked; what was there is in *.before-restore"
if [ -z "$root" ]; then
    # Users may have other numbers on this machine.
    chown -R "root:$user" "$config"
    own
    allow_files
    if has_systemd; then
        systemctl daemon-reload
        systemctl start "$name"
    fi
fi
echo "$name is restored from $file; what was there is in *.before-restore"
