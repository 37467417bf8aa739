# Sourced by the scripts beside it: what they say of a relay's folders, program and user.

# Plain "su" leaves root without these.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }

# choose KIND: smp or xftp; false for anything else.
choose() {
    case "$1" in
        smp) name=smp-server user=smp config=/etc/opt/simplex state=/var/opt/simplex ini=smp-server.ini ;;
        xftp) name=xftp-server user=xftp config=/etc/opt/simplex-xftp state=/var/opt/simplex-xftp ini=file-server.ini ;;
        *) return 1 ;;
    esac
}

# usage: the comment at the head of the script.
usage() { sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0" >&2; exit 2; }

has_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

# setting KEY: its first value in the ini file; nothing when it is not set.
setting() { sed -n "s/^$1 *[=:] *//p" "${DESTDIR:-}$config/$ini" 2>/dev/null | head -n 1; }

# The program may write to its state only, unless the unit says more: the folder of the files is named in the settings.
allow_files() {
    files=$(setting path)
    if [ "$name" = xftp-server ] && [ -n "$files" ]; then
        install -d -m 0700 -o "$user" -g "$user" "$files"
        install -d -m 0755 "/etc/systemd/system/$name.service.d"
        printf '[Service]\nReadWritePaths="%s"\n' "$files" > "/etc/systemd/system/$name.service.d/files.conf"
    fi
}

# The program can read its settings and keys but not change them; the key of the authority is for root alone.
own() {
    chown "root:$user" "$config"
    chmod 0750 "$config"
    find "$config" -mindepth 1 -maxdepth 1 -type f ! -name ca.key ! -user "$user" -exec chgrp "$user" {} + -exec chmod g+r {} +
    [ ! -f "$config/ca.key" ] || chmod 0600 "$config/ca.key"
    chmod 0700 "$state"
    find "$state" ! -user "$user" -exec chown -h "$user:$user" {} +
}
