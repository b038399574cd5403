#!/bin/sh
# The Asterisk container: write the configuration for the addresses and passwords of the environment, and become Asterisk.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
"$here/../asterisk-conf/render.sh" "${IVR_ASTERISK_ETC:-/etc/asterisk}"
exec /usr/sbin/asterisk -f
