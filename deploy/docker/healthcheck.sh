#!/bin/bash
# Whether the relay of this container serves: it says so itself where "metrics" is set in its ini file; else its port answers.
set -eu
case "$PROGRAM" in
    smp-server) ini=/etc/opt/simplex/smp-server.ini ;;
    *) ini=/etc/opt/simplex-xftp/file-server.ini ;;
esac
setting() { sed -n "s/^$1 *[=:] *//p" "$ini" | head -n 1; }
metrics=$(setting metrics)
if [ -n "$metrics" ]; then
    exec 3<>"/dev/tcp/127.0.0.1/${metrics##*:}"
    printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
    read -r _ status _ <&3
    [ "$status" = 200 ]
else
    ports=$(setting port)
    exec 3<>"/dev/tcp/127.0.0.1/${ports%%,*}"
fi
