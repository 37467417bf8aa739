#!/bin/sh
# Removes a relay's program and unit, as root:  ./uninstall.sh smp|xftp
#
# Keys, settings and data stay where they are. The last lines say how to remove them too.
set -eu

. "$(cd "$(dirname "$0")" && pwd)/relay.sh"
choose "${1:-}" || usage
[ "$(id -u)" = 0 ] || fail "this needs root: run it with sudo"

if [ -f "/etc/systemd/system/$name.service" ]; then systemctl disable --now "$name"; fi
files=$(setting path)
rm -rf "/usr/local/bin/$name" "/usr/local/bin/$name.former" "/var/cache/$name" \
    "/etc/systemd/system/$name.service" "/etc/systemd/system/$name.service.former" "/etc/systemd/system/$name.service.d"
systemctl daemon-reload

echo "$name is removed. Its keys, settings and data are still there; without them its address is lost for ever:"
echo "    rm -r $config $state${files:+ $files}"
echo "    userdel $user"
