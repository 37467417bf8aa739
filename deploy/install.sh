#!/bin/sh
# Installs a relay on a Debian or Ubuntu server, as root:
#
#   ./install.sh smp  --fqdn smp.example.org [options of "smp-server init"]
#   ./install.sh xftp --fqdn xftp.example.org --path /srv/xftp --quota 100gb [options of "xftp-server init"]
#
# The program is taken from ../out (made by ./publish), or from the file in the variable BINARY. Running it again
# replaces the program and the unit, and leaves keys, settings and data as they are. With the variable DESTDIR
# everything is only put into that folder: no user is made and nothing is started.
set -eu

fail() { echo "install.sh: $*" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
root=${DESTDIR:-}

case "${1:-}" in
    smp) name=smp-server user=smp config=/etc/opt/simplex state=/var/opt/simplex ini=smp-server.ini ;;
    xftp) name=xftp-server user=xftp config=/etc/opt/simplex-xftp state=/var/opt/simplex-xftp ini=file-server.ini ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
shift

binary=${BINARY:-$here/../out/$name}
[ -x "$binary" ] || fail "there is no program at $binary: make it with ./publish, or name it in the variable BINARY"
unit=$here/systemd/$name.service
[ -f "$unit" ] || fail "there is no unit at $unit"

if [ -z "$root" ]; then
    [ "$(id -u)" = 0 ] || fail "this needs root: run it with sudo"
    command -v systemctl >/dev/null || fail "systemd is needed; see deploy/docker for another way"
    if ! ldconfig -p | grep -q libsodium.so.23 || ! ldconfig -p | grep -q libssl.so.3; then
        apt-get update -q && apt-get install -y -q libssl3 libsodium23
    fi
    id "$user" >/dev/null 2>&1 || useradd --system --home-dir "$state" --shell /usr/sbin/nologin "$user"
    ! systemctl is-active -q "$name" || systemctl stop "$name"
fi

install -D -m 0755 "$binary" "$root/usr/local/bin/$name"
install -D -m 0644 "$unit" "$root/etc/systemd/system/$name.service"
install -d -m 0750 "$root$config"
install -d -m 0700 "$root$state"

if [ -n "$root" ]; then
    echo "$name is in $root"
    exit 0
fi

chown "root:$user" "$config"
chown "$user:$user" "$state"
if [ ! -f "$config/$ini" ]; then
    [ $# -gt 0 ] || fail "a new relay needs its address: --fqdn NAME or --ip ADDRESS"
    if [ "$name" = smp-server ]; then set -- --yes --daily-stats "$@"; fi
    "/usr/local/bin/$name" init "$@"
    # The relay reads its keys; the authority's key is needed for new certificates only.
    chown -R "root:$user" "$config"
    chown -R "$user:$user" "$state"
    chmod 0640 "$config"/*
    chmod 0600 "$config/ca.key"
    echo
    echo "Move $config/ca.key to a safe place off this machine: whoever has it can be this relay."
fi

# The unit lets the relay write to its state only; the folder of the files is named in the settings.
files=$(sed -n 's/^path *[=:] *//p' "$config/$ini" | head -n 1)
if [ "$name" = xftp-server ] && [ -n "$files" ]; then
    install -d -m 0700 -o "$user" -g "$user" "$files"
    install -d -m 0755 "/etc/systemd/system/$name.service.d"
    printf '[Service]\nReadWritePaths="%s"\n' "$files" > "/etc/systemd/system/$name.service.d/files.conf"
fi

systemctl daemon-reload
systemctl reset-failed "$name" 2>/dev/null || true
systemctl enable "$name"
systemctl restart "$name"
began=$(systemctl show -p ActiveEnterTimestampMonotonic --value "$name")
ports=$(sed -n 's/^port *[=:] *//p' "$config/$ini" | head -n 1 | tr ',' ' ')
waited=0
for each in $ports; do
    # The port shows that it listens; another start in the meantime, that the first one failed.
    while ! grep -qi ":$(printf '%04x' "$each") .* 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null \
        || ! systemctl is-active -q "$name" || [ "$(systemctl show -p ActiveEnterTimestampMonotonic --value "$name")" != "$began" ]; do
        waited=$((waited + 1))
        if [ $waited -gt 300 ] || [ "$(systemctl show -p NRestarts --value "$name")" != 0 ] || systemctl is-failed -q "$name"; then
            journalctl -u "$name" --no-pager -n 5 -o cat >&2 || true
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
echo "Back up with:  $here/backup.sh ${name%-server}"
