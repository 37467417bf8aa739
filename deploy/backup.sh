#!/bin/sh
# Saves all of a relay, as root:  ./backup.sh smp|xftp [FILE.tar.gz]
#
# The relay is stopped meanwhile, so that what is saved belongs together (it saves its messages when it stops), and
# started again. The file holds private keys: keep it as you would keep those. Files of an XFTP relay are not in it:
# they last two days.
set -eu

. "$(cd "$(dirname "$0")" && pwd)/relay.sh"
choose "${1:-}" || usage
file=${2:-$name-$(date -u +%Y%m%dT%H%M%SZ).tar.gz}
[ ! -e "$file" ] || fail "$file exists already: choose another name"
[ -f "${DESTDIR:-}$config/$ini" ] || fail "there is no relay: ${DESTDIR:-}$config/$ini is missing"
umask 077
(: > "$file.part") 2>/dev/null || fail "$file cannot be written: choose another place"

was_active=no
if [ -z "${DESTDIR:-}" ] && has_systemd && systemctl is-active -q "$name"; then
    was_active=yes
    trap 'systemctl start "$name"' EXIT
    systemctl stop "$name"
fi

# The pages are made anew at every start.
tar -czf "$file.part" --exclude='var/opt/*/www' --exclude='var/opt/*/files' -C "${DESTDIR:-/}" "${config#/}" "${state#/}" \
    || { rm -f "$file.part"; fail "the archive could not be written"; }
mv "$file.part" "$file"
echo "$file ($(du -h "$file" | cut -f1)), $name was $([ $was_active = yes ] && echo 'stopped for it and starts again' || echo 'not running')"
for key in store_queues store_messages store_files; do
    if [ "$(setting $key)" = database ]; then
        echo "What is in PostgreSQL is not in it ($key = database): save that with pg_dump, while the relay is stopped." >&2
        break
    fi
done
