#!/usr/bin/env bash
# Succeeds when ARI answers GET /applications, which (unlike a ping) also tells that ARI is not deadlocked.
set -euo pipefail

login=$(printf 'ivrengine:%s' "$IVR_ARI_PASSWORD" | base64 -w 0)
exec 3<> "/dev/tcp/127.0.0.1/${IVR_ARI_PORT:-8088}"
printf 'GET /ari/applications HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic %s\r\nConnection: close\r\n\r\n' "$login" >&3
read -r -t 3 _ status _ <&3
[ "$status" = 200 ]
