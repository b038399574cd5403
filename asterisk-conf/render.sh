#!/bin/sh
# Write the complete configuration and dialplan of one instance into a folder (/etc/asterisk).
#
#   render.sh TARGET
#
# Addresses and ports come from instance.sh; the passwords IVR_ARI_PASSWORD, IVR_AMI_PASSWORD and IVR_AGENT_PASSWORD and the key
# IVR_SEAL_KEY must be in the environment. Whatever *.conf lies in TARGET beforehand (a package's samples) is removed: what is not
# ours is not read. TARGET/local is yours.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if [ $# -ne 1 ]; then
    echo "usage: render.sh TARGET (a folder such as /etc/asterisk)" >&2
    exit 2
fi
target=$1
# shellcheck source=asterisk-conf/instance.sh
. "$here/instance.sh"

refuse() {
    echo "$1" >&2
    exit 2
}

# A password is written between '= ' and the end of a line: no comment sign, no blank, nothing that sed would take apart.
plain() {
    case $2 in
        '') refuse "$1 is not set: render.sh writes no configuration without a password." ;;
        *[!A-Za-z0-9._~+-]*) refuse "$1 may contain only letters, digits and . _ ~ + - characters." ;;
    esac
}
plain IVR_ARI_PASSWORD "${IVR_ARI_PASSWORD:-}"
plain IVR_AMI_PASSWORD "${IVR_AMI_PASSWORD:-}"
plain IVR_AGENT_PASSWORD "${IVR_AGENT_PASSWORD:-}"
plain IVR_SEAL_KEY "${IVR_SEAL_KEY:-}"
# AES_ENCRYPT() wants no other length.
[ ${#IVR_SEAL_KEY} = 16 ] || refuse "IVR_SEAL_KEY must have 16 characters, not ${#IVR_SEAL_KEY}."

case $IVR_PROMPTS_BY_HTTP in
    yes) by_http= ;;
    no) by_http=';' ;;
    *) refuse "IVR_PROMPTS_BY_HTTP must be yes or no, not '$IVR_PROMPTS_BY_HTTP'." ;;
esac

fill() {
    sed -e "s|@CONTROL_ADDRESS@|$IVR_CONTROL_ADDRESS|g" \
        -e "s|@CONTROL_PERMIT@|$IVR_CONTROL_PERMIT|g" \
        -e "s|@ARI_PORT@|$IVR_ARI_PORT|g" \
        -e "s|@ARI_PASSWORD@|$IVR_ARI_PASSWORD|g" \
        -e "s|@AMI_PORT@|$IVR_AMI_PORT|g" \
        -e "s|@AMI_PASSWORD@|$IVR_AMI_PASSWORD|g" \
        -e "s|@SIP_ADDRESS@|$IVR_SIP_ADDRESS|g" \
        -e "s|@SIP_PORT@|$IVR_SIP_PORT|g" \
        -e "s|@RTP_START@|$IVR_RTP_START|g" \
        -e "s|@RTP_END@|$IVR_RTP_END|g" \
        -e "s|@TRUNK_MATCH@|$IVR_TRUNK_MATCH|g" \
        -e "s|@TRUNK_INFO_MATCH@|$IVR_TRUNK_INFO_MATCH|g" \
        -e "s|@TRUNK_CONTACT@|$IVR_TRUNK_CONTACT|g" \
        -e "s|@AGENT_PASSWORD@|$IVR_AGENT_PASSWORD|g" \
        -e "s|@MISSED_DIR@|$IVR_MISSED_DIR|g" \
        -e "s|@SEAL_KEY@|$IVR_SEAL_KEY|g" \
        -e "s|@BY_HTTP@|$by_http|g" \
        "$1"
}

mkdir -p "$target"
rm -rf "$target"/*.conf "$target"/*.conf.d "$target"/extensions.* "$target/instance" "$target/dialplan"
mkdir -p "$target/instance" "$target/dialplan"
cp "$here"/*.conf "$target/"
# Passwords are in here: for Asterisk's group only.
umask 027
for template in "$here"/instance/*.conf.in; do
    name=$(basename "$template" .in)
    fill "$template" > "$target/instance/$name"
done
cp "$here/../dialplan/extensions.conf" "$target/"
for part in "$here"/../dialplan/*.conf; do
    [ "$(basename "$part")" = extensions.conf ] || cp "$part" "$target/dialplan/"
done
if grep -rn '@[A-Z_]*@' "$target/instance" >&2; then
    refuse "These placeholders have no value in render.sh."
fi
