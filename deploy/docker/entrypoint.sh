#!/bin/sh
# Makes the relay's identity at the first start, then becomes the relay.
#   ADDR   host name or IP address of the relay (needed at the first start)
#   PASS   password for new queues or files; none when empty
#   QUOTA  for files: how much may be stored, such as 100gb
set -eu

case "$PROGRAM" in
    smp-server) config=/etc/opt/simplex ini=smp-server.ini ;;
    xftp-server) config=/etc/opt/simplex-xftp ini=file-server.ini ;;
    *) echo "entrypoint: there is no program '$PROGRAM'" >&2; exit 2 ;;
esac

if [ ! -f "$config/$ini" ]; then
    case "${ADDR:-}" in
        '') echo "entrypoint: set ADDR to the relay's host name or IP address" >&2; exit 2 ;;
        *:* | *[!0-9.a-zA-Z-]*) set -- --ip "$ADDR" ;;
        *[a-zA-Z]*) set -- --fqdn "$ADDR" ;;
        *) set -- --ip "$ADDR" ;;
    esac
    if [ "$PROGRAM" = smp-server ]; then
        if [ -n "${PASS:-}" ]; then set -- "$@" --password "$PASS"; else set -- "$@" --no-password; fi
        smp-server init --yes --daily-stats "$@"
    else
        [ -n "${QUOTA:-}" ] || { echo "entrypoint: set QUOTA, such as 100gb" >&2; exit 2; }
        mkdir -p /srv/xftp
        xftp-server init --path /srv/xftp --quota "$QUOTA" "$@"
        if [ -n "${PASS:-}" ]; then sed -i "s|^#* *create_password *[=:].*|create_password = $PASS|" "$config/$ini"; fi
    fi
fi

exec "$PROGRAM" start
