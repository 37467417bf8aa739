#!/bin/sh
# Saves all of a relay, as root:  ./backup.sh smp|xftp [FILE.tar.gz]
#
# The relay is stopped meanwhile, so that what is saved belongs together (it saves its messages when it stops), and
# started again. The file holds private keys: keep it as you would keep those. Files of an XFTP relay are not in it:
# they last two days.
set -eu

fail() { echo "backup.sh: $*" >&2; exit 1; }
case "${1:-}" in
    smp) name=smp-server folders="etc/opt/simplex var/opt/simplex" ;;
    xftp) name=xftp-server folders="etc/opt/simplex-xftp var/opt/simplex-xftp" ;;
    *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
file=${2:-$name-$(date -u +%Y%m%dT%H%M%SZ).tar.gz}
root=${DESTDIR:-/}
[ ! -e "$file" ] || fail "$file exists already: choose another name"

was_active=no
if [ -z "${DESTDIR:-}" ] && command -v systemctl >/dev/null && systemctl is-active -q "$name"; then
    was_active=yes
    systemctl stop "$name"
    trap 'systemctl start "$name"' EXIT
fi

umask 077
# The pages are made anew at every start.
# shellcheck disable=SC2086
tar -czf "$file.part" --exclude='var/opt/*/www' --exclude='var/opt/*/files' -C "$root" $folders || { rm -f "$file.part"; fail "the archive could not be written"; }
mv "$file.part" "$file"
echo "$file ($(du -h "$file" | cut -f1)), $name was $([ $was_active = yes ] && echo 'stopped for it and starts again' || echo 'not running')"
