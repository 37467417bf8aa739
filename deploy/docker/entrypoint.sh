#!/bin/sh
# Makes the relay's identity at the first start, then becomes the relay. The variables are those of the official images:
#   ADDR        host name or IP address of the relay (needed at the first start)
#   PASS        password for new queues or files; none when empty
#   QUOTA       for files: how much may be stored, such as 100gb (needed at the first start)
#   WEB_MANUAL  for messages: no pages over TLS, port 5223 only; without it the pages have the certificate
#               /certificates/ADDR.crt and .key, if they are mounted there
set -eu

case "$PROGRAM" in
    smp-server) config=/etc/opt/simplex ini=smp-server.ini ;;
    xftp-server) config=/etc/opt/simplex-xftp ini=file-server.ini ;;
    *) echo "entrypoint: there is no program '$PROGRAM'" >&2; exit 2 ;;
esac
# needs FOLDER: it can be written to.
needs() {
    [ -w "$1" ] || { echo "entrypoint: user $(id -u) cannot write to $1: give the volume to it with chown, or run the container as its owner (--user)" >&2; exit 2; }
}
needs "$(echo "$config" | sed 's|^/etc|/var|')"

if [ ! -f "$config/$ini" ]; then
    needs "$config"
    case "${ADDR:-}" in
        '') echo "entrypoint: set ADDR to the relay's host name or IP address" >&2; exit 2 ;;
        *:* | *[!0-9.a-zA-Z-]*) set -- --ip "$ADDR" ;;
        *[a-zA-Z]*)
            set -- --fqdn "$ADDR"
            # Relays of the same domain count as the operator's own.
            case "$PROGRAM,$ADDR" in smp-server,*.*) set -- "$@" --own-domains "$(echo "$ADDR" | awk -F. '{ print $(NF-1) "." $NF }')" ;; esac ;;
        *) set -- --ip "$ADDR" ;;
    esac
    if [ "$PROGRAM" = smp-server ]; then
        if [ -n "${PASS:-}" ]; then set -- "$@" --password "$PASS"; else set -- "$@" --no-password; fi
        smp-server init --yes --daily-stats "$@"
        if [ -n "${WEB_MANUAL:-}" ]; then
            sed -i 's/^\(https\|cert\|key\) *=/# &/; s/^port *=.*/port = 5223/' "$config/$ini"
        elif [ -f "/certificates/$ADDR.crt" ]; then
            sed -i "s|^cert *=.*|cert = /certificates/$ADDR.crt|; s|^key *=.*|key = /certificates/$ADDR.key|" "$config/$ini"
        fi
    else
        [ -n "${QUOTA:-}" ] || { echo "entrypoint: set QUOTA, such as 100gb" >&2; exit 2; }
        xftp-server init --path /srv/xftp --quota "$(echo "$QUOTA" | tr '[:upper:]' '[:lower:]')" "$@"
        if [ -n "${PASS:-}" ]; then
            password=$(printf '%s' "$PASS" | sed 's/[&|\\]/\\&/g')
            sed -i "s|^#* *create_password *[=:].*|create_password = $password|" "$config/$ini"
        fi
    fi
fi

exec "$PROGRAM" start
