#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# lab.sh BUILD: an IMS lab of two programs, in the foreground until Ctrl-C: pcscf, and Kamailio as
# registrar and S-CSCF behind it. ADDRESS: of both, where UEs can reach it (default 127.0.0.1); ADMIN:
# of the viewer (default 127.0.0.1:8060). What they write stands in OUT (default BUILD/lab).
#
# Failure: a program that does not start, or ends by itself, ends the other one and is shown; the exit
# status is 1. Any user can run it; nothing is written elsewhere and nothing is left running.
set -euo pipefail

build=$(cd "${1:?usage: lab.sh BUILD}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
address=${ADDRESS:-127.0.0.1}
admin=${ADMIN:-127.0.0.1:8060}
out=${OUT:-$build/lab}

clean_up() {
    local pid
    for pid in $(jobs -pr); do
        kill "$pid" 2>/dev/null || true
    done
    wait
}
trap clean_up EXIT
trap 'exit 0' INT TERM HUP

fail() {
    echo "lab: $1" >&2
    tail -n 12 "$2" >&2
    exit 1
}

# Waits until FILE holds a line that matches, while PID lives, for ten seconds.
await() {
    local file=$1 pattern=$2 pid=$3 turn
    for ((turn = 0; turn < 200; turn++)); do
        grep -q -e "$pattern" "$file" && return
        kill -0 "$pid" 2>/dev/null || return
        sleep 0.05
    done
    return 1
}

# start NAME READY COMMAND...: runs it with its log in NAME.log until it says that it is ready. A
# death of this script is passed on by the kernel.
start() {
    local log=$out/$1.log ready=$2 name=$1
    shift 2
    : >"$log"
    setpriv --pdeathsig TERM "$@" >>"$log" 2>&1 </dev/null &
    await "$log" "$ready" $! || fail "$name does not start" "$log"
}

mkdir -p "$out/charts"
cd "$out"
sed -e "/^admin:/,\$ s/127\.0\.0\.1:8060/$admin/" -e "/^admin:/,\$! s/127\.0\.0\.1/$address/" \
    "$here/pcscf.yaml" >pcscf.yaml
start kamailio 'ready$' kamailio -DD -E -m 16 -M 4 -Y "$out" -w "$out" -f "$here/kamailio.cfg" \
    -l "udp:$address:5080" -l "tcp:$address:5080"
start pcscf ' ready$' "$build/pcscf" --config pcscf.yaml

cat <<END
The lab is up: register at $address:5060, UDP or TCP, or $address:5061, TLS; domain ims.example,
users alice, bob, carol, passwords alice-secret, bob-secret, carol-secret.

  $build/e2ae-ua --proxy $address:5060 --listen $address --identity sip:bob@ims.example \\
      --register --password bob-secret --mediasec "sdes-srtp;mediasec" --answer --audio echo

  viewer          http://$admin/
  charts, logs    $out
  end             Ctrl-C
END
wait -n
fail "one of the two has ended" "$(ls -t ./*.log | head -n 1)"
