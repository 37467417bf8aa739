#!/bin/sh
# Installs a relay on a Debian or Ubuntu server, as root:
#
#   ./install.sh smp  --fqdn smp.example.org [options of "smp-server init"]
#   ./install.sh xftp --fqdn xftp.example.org --path /srv/xftp --quota 100gb [options of "xftp-server init"]
#
# The program is taken from ../out (made by ./publish), or from the file in the variable BINARY. Running it again
# replaces the program and the unit, and leaves keys, settings and data as they are; the program and the unit that were
# there before are kept beside them as *.former. With the variable DESTDIR everything is only put into that folder: no
# user is made and nothing is started.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/relay.sh"
root=${DESTDIR:-}
choose "${1:-}" || usage
kind=$1
shift

binary=${BINARY:-$here/../out/$name}
[ -x "$binary" ] || fail "there is no program at $binary: make it with ./publish, or name it in the variable BINARY"
unit=$here/systemd/$name.service
[ -f "$unit" ] || fail "there is no unit at $unit"

if [ -z "$root" ]; then
    [ "$(id -u)" = 0 ] || fail "this needs root: run it with sudo"
    has_systemd || fail "systemd is needed; see deploy/docker for another way"
    [ -f "$config/$ini" ] || [ $# -gt 0 ] || fail "a new relay needs its address: --fqdn NAME or --ip ADDRESS"
    if ! ldconfig -p | grep -q libsodium.so.23 || ! ldconfig -p | grep -q libssl.so.3; then
        apt-get update -q && apt-get install -y -q libssl3 libsodium23
    fi
    id "$user" >/dev/null 2>&1 || useradd --system --user-group --home-dir "$state" --shell /usr/sbin/nologin "$user"
    ! systemctl is-active -q "$name" || systemctl stop "$name"
fi

# put MODE SOURCE TARGET: what was there before stays as TARGET.former, so that there is a way back.
put() {
    if [ -f "$3" ] && ! cmp -s "$2" "$3"; then mv -f "$3" "$3.former"; fi
    install -D -m "$1" "$2" "$3"
}
put 0755 "$binary" "$root/usr/local/bin/$name"
put 0644 "$unit" "$root/etc/systemd/system/$name.service"
install -d -m 0750 "$root$config"
install -d -m 0700 "$root$state"

if [ -n "$root" ]; then
    echo "$name is in $root"
    exit 0
fi

if [ ! -f "$config/$ini" ]; then
    if [ "$name" = smp-server ]; then set -- --yes --daily-stats "$@"; fi
    "/usr/local/bin/$name" init "$@"
    echo
elif [ $# -gt 0 ]; then
    echo "$config/$ini is there: its settings stay, and the options given here are not used ($*)." >&2
fi
own
allow_files

systemctl daemon-reload
systemctl reset-failed "$name" 2>/dev/null || true
systemctl enable "$name"
systemctl restart "$name"

# listens PORT: the relay's own process does, not another program.
listens() {
    process=$(systemctl show -p MainPID --value "$name")
    # shellcheck disable=SC2013
    for inode in $(awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null); do
        # shellcheck disable=SC2010
        if ls -l "/proc/$process/fd" 2>/dev/null | grep -qF "socket:[$inode]"; then return 0; fi
    done
    return 1
}
ports=$(setting port | tr ',' ' ')
waited=0
for each in $ports; do
    until listens "$each"; do
        waited=$((waited + 1))
        if [ $waited -gt 300 ] || [ "$(systemctl show -p NRestarts --value "$name")" != 0 ] || systemctl is-failed -q "$name"; then
            journalctl "_SYSTEMD_UNIT=$name.service" --no-pager -n 5 -o cat >&2 || true
            fail "$name does not run; its last words are above, and journalctl -u $name has the rest"
        fi
        sleep 1
    done
done
echo "$name runs."

echo
echo "Clients must reach TCP port(s) $ports. With ufw:"
for each in $ports; do echo "    ufw allow $each/tcp"; done
echo "Nothing else of this relay needs to be open: control port and metrics stay on the loopback address."
echo "Back up with:  $here/backup.sh $kind"
if [ -f "$config/ca.key" ]; then
    echo "Move $config/ca.key to a safe place off this machine: whoever has it can be this relay."
fi
address=$(journalctl -u "$name" --no-pager -n 100 -o cat 2>/dev/null | sed -n 's/^Server address: //p' | tail -n 1)
if [ -n "$address" ]; then
    echo
    echo "The address, for the servers in the app:"
    echo "    $address"
fi
