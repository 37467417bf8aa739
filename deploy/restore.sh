#!/bin/sh
# Brings back what backup.sh saved, as root:  ./restore.sh smp|xftp FILE.tar.gz
#
# What is there now is kept beside it as *.before-restore. Install the program first (install.sh).
set -eu

fail() { echo "restore.sh: $*" >&2; exit 1; }
case "${1:-}" in
    smp) name=smp-server user=smp config=etc/opt/simplex state=var/opt/simplex ;;
    xftp) name=xftp-server user=xftp config=etc/opt/simplex-xftp state=var/opt/simplex-xftp ;;
    *) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
file=${2:-}
root=${DESTDIR:-/}
[ -f "$file" ] || fail "there is no file '$file'"
tar -tzf "$file" >/dev/null || fail "$file is broken"
tar -tzf "$file" | grep -q "^$config/ca.crt$" || fail "$file is no backup of $name: it has no $config/ca.crt"

[ -z "${DESTDIR:-}" ] && command -v systemctl >/dev/null && systemctl stop "$name"
for folder in $config $state; do
    if [ -e "$root/$folder" ]; then
        rm -rf "$root/$folder.before-restore"
        mv "$root/$folder" "$root/$folder.before-restore"
    fi
done
tar -xzpf "$file" -C "$root" || fail "the archive could not be unpacked; what was there is in *.before-restore"
if [ -z "${DESTDIR:-}" ]; then
    chown -R "root:$user" "/$config"
    chown -R "$user:$user" "/$state"
    command -v systemctl >/dev/null && systemctl start "$name"
fi
echo "$name is restored from $file; what was there is in *.before-restore"
