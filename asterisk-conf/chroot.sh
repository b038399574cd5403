#!/usr/bin/env bash
# A real Asterisk for development and tests, from this folder's configuration, in a chroot of Debian sid.
#
#   chroot.sh up | down | reload | status | console [COMMAND] | logs
#
# IVR_ASTERISK_ROOT   where its file system is             (default: .asterisk/root of the checkout)
# IVR_ASTERISK_TREE   a ready tree to copy instead of running debootstrap
# IVR_DEBIAN_MIRROR   where debootstrap fetches from       (default: what this machine's apt uses)
# IVR_INSTANCE        2 to 9: another Asterisk beside the first, with its own ports (instance.sh has them all)
#
# Passwords and addresses are written to <root>.env, and as the settings of an engine on this Asterisk to <root>.toml; both
# readable by their owner only.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
checkout=$(dirname -- "$here")
# shellcheck source=asterisk-conf/instance.sh
. "$here/instance.sh"

suffix=
[ "$IVR_INSTANCE" = 1 ] || suffix=-$IVR_INSTANCE
root=${IVR_ASTERISK_ROOT:-$checkout/.asterisk/root$suffix}
case $root in
    / | '') echo "IVR_ASTERISK_ROOT must not be '$root'." >&2; exit 2 ;;
    /*) ;;
    *) root=$PWD/$root ;;
esac
access=$root.env
settings=$root.toml
shared=$root/var/lib/ivrengine
missed=$root/var/spool/ivrengine
log=$root/var/log/asterisk/messages.log
started_by=${SUDO_UID:-0}:${SUDO_GID:-0}

# From start to an answer of ARI; 5 s is usual, a busy machine needs longer.
up_within_s=60
# From SIGTERM to the end: Asterisk hangs up its channels first.
down_within_s=15

refuse() {
    printf '%s\n' "$@" >&2
    exit 2
}

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" = 0 ] || refuse \
        "chroot.sh $1 needs root: it makes a chroot and mounts proc in it. Run it with sudo." \
        "With Docker no root is needed: docker compose up asterisk"
}

# Print the pid of this root's Asterisk; fail when it does not run. A pid file may be stale: the process must live in our root.
running_pid() {
    local pid
    pid=$(cat "$root/run/asterisk/asterisk.pid" 2> /dev/null) || return 1
    [ -n "$pid" ] && [ "$(readlink "/proc/$pid/root" 2> /dev/null)" = "$root" ] || return 1
    printf '%s\n' "$pid"
}

# Succeed when somebody listens: listening tcp|udp PORT. /proc needs no further tool. Other loopback addresses than 127.0.0.1 are
# no hindrance: telephones of tests have the same port there.
listening() {
    local hex
    hex=$(printf '%04X' "$2")
    awk -v port=":$hex\$" -v kind="$1" '
        length($2) == 13 && $2 ~ /7F:/ && $2 !~ /^0100007F:/ { next }
        FNR > 1 && $2 ~ port && (kind == "udp" || $4 == "0A") { found = 1 }
        END { exit !found }
    ' "/proc/net/$1" "/proc/net/${1}6" 2> /dev/null
}

need_free_ports() {
    local entry
    for entry in "tcp $IVR_ARI_PORT ARI" "tcp $IVR_AMI_PORT AMI" "udp $IVR_SIP_PORT SIP"; do
        # shellcheck disable=SC2086 # three words on purpose
        set -- $entry
        if listening "$1" "$2"; then
            refuse "Port $2/$1 ($3) is in use by another program. Stop it, or bring this Asterisk up with IVR_INSTANCE=2."
        fi
    done
}

# Print the HTTP status of GET /ari/applications, which (unlike ping) also tells that ARI is not deadlocked.
ari_status() {
    local login status
    login=$(printf '%s' "ivrengine:$IVR_ARI_PASSWORD" | base64 -w 0)
    exec 3<> "/dev/tcp/$IVR_CONTROL_ADDRESS/$IVR_ARI_PORT" || return 1
    printf 'GET /ari/applications HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic %s\r\nConnection: close\r\n\r\n' "$login" >&3
    read -r -t 3 _ status _ <&3 || return 1
    printf '%s\n' "$status"
}

wait_for_ari() {
    local status pid until=$((SECONDS + up_within_s))
    pid=$1
    while [ "$SECONDS" -lt "$until" ]; do
        status=$(ari_status 2> /dev/null || true)
        case $status in
            200) return ;;
            401 | 403) fail "ARI answers but refuses the password of $access. Is another Asterisk on port $IVR_ARI_PORT?" ;;
        esac
        kill -0 "$pid" 2> /dev/null || fail "Asterisk ended while starting:" "$(tail -n 20 "$log" "$root.out" 2> /dev/null)"
        sleep 0.1
    done
    fail "ARI did not answer within $up_within_s s:" "$(tail -n 20 "$log" 2> /dev/null)"
}

# Print the mirror of the Debian archive that this machine's apt uses; deb822 files first, then one-line entries.
apt_mirror() {
    local codename files
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-sid}")
    shopt -s nullglob
    files=(/etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list)
    shopt -u nullglob
    [ ! -f /etc/apt/sources.list ] || files+=(/etc/apt/sources.list)
    awk -v codename="$codename" '
        function debian(suite) { return suite == codename || suite ~ /^(stable|testing|unstable|sid)$/ }
        function consider(uri, suites,    n, i, list) {
            n = split(suites, list, " ")
            for (i = 1; i <= n; i++) if (debian(list[i])) { print uri; done = 1; exit }
        }
        function stanza_ends() {
            if (types ~ /(^| )deb( |$)/ && enabled != "no") consider(uri, suites)
            types = uri = suites = enabled = ""
        }
        FNR == 1 { stanza_ends() }
        /^[ \t]*#/ { next }
        FILENAME ~ /\.sources$/ {
            if ($0 ~ /^[ \t]*$/) stanza_ends()
            else if (tolower($1) == "types:") { $1 = ""; types = $0 }
            else if (tolower($1) == "uris:") uri = $2
            else if (tolower($1) == "suites:") { $1 = ""; suites = $0 }
            else if (tolower($1) == "enabled:") enabled = tolower($2)
            next
        }
        $1 == "deb" {
            sub(/\[[^]]*\]/, "")
            consider($2, $3)
        }
        END { if (!done) stanza_ends() }
    ' "${files[@]}" /dev/null
}

make_tree() {
    local new=$root.new mirror
    # Left by a debootstrap that was interrupted; its proc must not be what is deleted.
    ! mountpoint -q "$new/proc" || umount -l "$new/proc"
    rm -rf "$new"
    mkdir -p "$(dirname "$root")"
    if [ -n "${IVR_ASTERISK_TREE:-}" ]; then
        [ -x "$IVR_ASTERISK_TREE/usr/sbin/asterisk" ] ||
            refuse "IVR_ASTERISK_TREE is $IVR_ASTERISK_TREE, but there is no usr/sbin/asterisk in it."
        echo "Copying $IVR_ASTERISK_TREE"
        # Another instance may be running in it: its proc stays where it is, and its database of the moment is not ours.
        cp -a -x --reflink=auto "$IVR_ASTERISK_TREE" "$new"
        rm -f "$new"/var/lib/asterisk/astdb.sqlite3*
    else
        command -v debootstrap > /dev/null || refuse \
            "debootstrap is not installed; on Debian: apt-get install debootstrap" \
            "Or set IVR_ASTERISK_TREE to a ready Debian tree with Asterisk in it."
        mirror=${IVR_DEBIAN_MIRROR:-$(apt_mirror)}
        [ -n "$mirror" ] || refuse "This machine's apt knows no Debian mirror; set IVR_DEBIAN_MIRROR to one."
        echo "Fetching Asterisk with debootstrap (under a minute with a near mirror); its output is in $root.debootstrap.log"
        debootstrap --variant=minbase --include=asterisk,asterisk-core-sounds-en-gsm sid "$new" "$mirror" \
            > "$root.debootstrap.log" 2>&1 ||
            fail "debootstrap failed:" "$(tail -n 15 "$root.debootstrap.log")"
    fi
    mv "$new" "$root"
}

# Give the tree what debootstrap leaves out.
prepare_tree() {
    mkdir -p "$root"/var/{lib,log,spool}/asterisk "$root/run/asterisk" "$root/proc" \
        "$root/var/spool/asterisk/recording" "$shared/prompts" "$missed"
    # Without its own name here Asterisk blocks 5 s on every call while it asks a name server.
    printf '127.0.0.1 localhost %s\n::1 localhost\n' "$(hostname)" > "$root/etc/hosts"
    chroot "$root" chown -R asterisk:asterisk /var/lib/asterisk /var/log/asterisk /var/spool/asterisk /run/asterisk
    # The engine writes its prompts here from outside; Asterisk only reads.
    chown "$started_by" "$shared" "$shared/prompts"
    # Asterisk writes missed calls here; the engine, outside, reads, renames and removes the file: to it the folder belongs.
    chroot "$root" chgrp asterisk /var/spool/ivrengine
    chown "${started_by%:*}" "$missed"
    chmod 2770 "$missed"
}

password() {
    head -c 24 /dev/urandom | base64 -w 0 | tr '+/' '-_'
}

# Passwords are made once per root and kept, so that an engine that is running survives a restart of Asterisk.
load_passwords() {
    local name kept
    for name in IVR_ARI_PASSWORD IVR_AMI_PASSWORD IVR_AGENT_PASSWORD IVR_SEAL_KEY; do
        if [ -z "${!name:-}" ]; then
            kept=$(sed -n "s/^$name=//p" "$access" 2> /dev/null || true)
            printf -v "$name" '%s' "${kept:-$(password)}"
        fi
        [ "$name" != IVR_SEAL_KEY ] || IVR_SEAL_KEY=${IVR_SEAL_KEY:0:16}
        export "${name?}"
    done
}

write_access() {
    (
        umask 077
        cat > "$access" << END
IVR_ARI_URL=http://$IVR_CONTROL_ADDRESS:$IVR_ARI_PORT/ari
IVR_ARI_USER=ivrengine
IVR_ARI_PASSWORD=$IVR_ARI_PASSWORD
IVR_AMI_ADDRESS=$IVR_CONTROL_ADDRESS
IVR_AMI_PORT=$IVR_AMI_PORT
IVR_AMI_USER=ivrengine
IVR_AMI_PASSWORD=$IVR_AMI_PASSWORD
IVR_SIP_ADDRESS=$IVR_SIP_ADDRESS
IVR_SIP_PORT=$IVR_SIP_PORT
IVR_TRUNK_CONTACT=$IVR_TRUNK_CONTACT
IVR_AGENT_PASSWORD=$IVR_AGENT_PASSWORD
IVR_ASTERISK_ROOT=$root
IVR_PROMPTS_FOLDER=$shared/prompts
IVR_PROMPTS_AS_SEEN=/var/lib/ivrengine/prompts
IVR_SEAL_KEY=$IVR_SEAL_KEY
IVR_MISSED_FOLDER=$missed
END
        cat > "$settings" << END
# Written by asterisk-conf/chroot.sh for the Asterisk in $root.
[[asterisk]]
name = "ast$IVR_INSTANCE"
url = "http://$IVR_CONTROL_ADDRESS:$IVR_ARI_PORT/"
password = "$IVR_ARI_PASSWORD"
ami = "$IVR_CONTROL_ADDRESS:$IVR_AMI_PORT"
ami_password = "$IVR_AMI_PASSWORD"
trunks = ["trunk-in", "trunk-in-info", "trunk-out"]
sounds_dir = "$shared/prompts"
sounds_path = "/var/lib/ivrengine/prompts"
missed_dir = "$missed"
seal_key = "$IVR_SEAL_KEY"
END
    )
    chown "$started_by" "$access" "$settings"
}

configure() {
    load_passwords
    "$here/render.sh" "$root/etc/asterisk"
    chroot "$root" chown -R root:asterisk /etc/asterisk
    "$here/sounds.sh" "$shared"
    write_access
}

say_how_to_reach() {
    echo "Asterisk $(chroot "$root" asterisk -V | awk '{ print $2 }') is up (pid $1):"
    echo "  ARI  http://$IVR_CONTROL_ADDRESS:$IVR_ARI_PORT/ari   user ivrengine, application ivrengine"
    echo "  AMI  $IVR_CONTROL_ADDRESS:$IVR_AMI_PORT   user ivrengine"
    echo "  SIP  $IVR_SIP_ADDRESS:$IVR_SIP_PORT/udp, media $IVR_RTP_START-$IVR_RTP_END; the trunk calls from $IVR_TRUNK_MATCH"
    echo "  passwords and paths: $access"
    echo "  prompts: $shared/prompts is /var/lib/ivrengine/prompts to Asterisk"
    echo "  an engine on it: ivrengine serve --config $settings"
}

up() {
    local pid
    need_root up
    mkdir -p "$(dirname "$root")"
    # Two sessions that bring the same instance up: the second waits, and finds it up.
    exec 9> "$root.lock"
    flock 9
    if pid=$(running_pid); then
        load_passwords
        wait_for_ari "$pid"
        say_how_to_reach "$pid"
        echo "(It was up already; after changes to its configuration: chroot.sh reload)"
        return
    fi
    need_free_ports
    [ -x "$root/usr/sbin/asterisk" ] || make_tree
    prepare_tree
    configure
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    rm -f "$root"/run/asterisk/*
    ulimit -n "$(ulimit -H -n)"
    setsid chroot "$root" /usr/sbin/asterisk -f < /dev/null > "$root.out" 2>&1 9>&- &
    pid=$!
    wait_for_ari "$pid"
    say_how_to_reach "$(running_pid)"
}

down() {
    local pid until
    need_root down
    if pid=$(running_pid); then
        kill -TERM "$pid"
        until=$((SECONDS + down_within_s))
        while kill -0 "$pid" 2> /dev/null; do
            if [ "$SECONDS" -ge "$until" ]; then
                echo "Asterisk did not end within $down_within_s s of SIGTERM: killed." >&2
                kill -KILL "$pid" 2> /dev/null || true
                break
            fi
            sleep 0.1
        done
        echo "Asterisk (pid $pid) is down."
    else
        echo "Asterisk is not running in $root."
    fi
    if mountpoint -q "$root/proc"; then
        umount "$root/proc" || umount -l "$root/proc"
    fi
}

reload() {
    need_root reload
    running_pid > /dev/null || fail "Asterisk is not running in $root: chroot.sh up"
    configure
    chroot "$root" asterisk -rx "core reload"
}

status() {
    local pid
    need_root status
    pid=$(running_pid) || fail "Asterisk is not running in $root."
    load_passwords
    [ "$(ari_status 2> /dev/null || true)" = 200 ] || fail "Asterisk runs (pid $pid), but ARI does not answer on port $IVR_ARI_PORT."
    say_how_to_reach "$pid"
    chroot "$root" asterisk -rx "core show channels count"
    chroot "$root" asterisk -rx "core show uptime"
}

console() {
    need_root console
    running_pid > /dev/null || fail "Asterisk is not running in $root."
    if [ $# -gt 0 ]; then
        chroot "$root" asterisk -rx "$*"
    else
        chroot "$root" asterisk -r
    fi
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
    up | down | reload | status) "$command" ;;
    console) console "$@" ;;
    logs) need_root logs && tail -n 200 -F "$log" "$root/var/log/asterisk/queue_log" ;;
    *) refuse "usage: chroot.sh up | down | reload | status | console [COMMAND] | logs" ;;
esac
