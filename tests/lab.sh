#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# lab.sh BUILD: the ready-made labs of configs/. Their configurations are accepted by the programs they
# are for; the stand-alone one is started by its own script, the one for Open5GS by its own, with
# Kamailio in the place of I-CSCF and S-CSCF; in each two UEs register, and talk under SDES-SRTP.
# Ends with "N passed, N failed".
set -u

build=$1
. tests/verdict.sh
. tests/programs.sh
out=$PWD/$build/labs
bin=$PWD/$build
standalone=configs/lab-standalone
end_programs_with_me

# agent PROXY DOMAIN USER HOST ARGUMENT...: a user agent that registers first.
agent() {
    local proxy=$1 domain=$2 user=$3 host=$4
    shift 4
    timeout 20 "$bin/e2ae-ua" --proxy "$proxy" --listen "$net.$host" --timeout 15 \
        --identity "sip:$user@$domain" --register --password "$user-secret" \
        --mediasec "sdes-srtp;mediasec" "$@"
}

# call_through LAB PROXY DOMAIN: alice and bob talk, over UDP and TCP.
call_through() {
    local lab=$1 bob
    agent "$2" "$3" bob 101 --transport tcp --answer --audio echo >"$out/$lab-bob.log" 2>&1 &
    bob=$!
    await "$out/$lab-bob.log" '^registered status=200 '
    verdict $? "$lab: bob registers ($out/$lab-bob.log)"
    agent "$2" "$3" alice 102 --call "sip:bob@$3" --offer audio --srtp --audio count --datagrams 50 \
        --datagram-ms 5 >"$out/$lab-alice.log" 2>&1
    verdict $? "$lab: alice calls ($out/$lab-alice.log)"
    wait $bob
    verdict $? "$lab: bob answers ($out/$lab-bob.log)"
    check "$lab: both are secured" grep -h -c -e 'proto=RTP/SAVP .*keys=[14] ' "$out/$lab-alice.log" \
        "$out/$lab-bob.log"
}

# ends PID STATUS WHAT: on SIGTERM.
ends() {
    kill "$1"
    wait "$1"
    verdict $(($? != $2)) "$3"
}

rm -rf "$out"
mkdir -p "$out"

# --- configurations -----------------------------------------------------------------------------

for lab in standalone open5gs; do
    check "$lab: the P-CSCF takes its configuration" "$bin/pcscf" --check-config \
        --config "configs/lab-$lab/pcscf.yaml"
done
check "Kamailio takes its configuration" kamailio -c -f $standalone/kamailio.cfg \
    -l "udp:$net.1:5080" -Y "$out"
for script in $standalone/lab.sh configs/lab-open5gs/start.sh; do
    check "$script can be run" test -x "$script"
done

# --- stand-alone --------------------------------------------------------------------------------

ADDRESS=$net.1 ADMIN=$net.1:8060 OUT=$out/standalone $standalone/lab.sh "$build" \
    >"$out/standalone.log" 2>&1 &
lab=$!
await "$out/standalone.log" '^The lab is up'
verdict $? "the stand-alone lab starts ($out/standalone.log)"
call_through standalone "$net.1:5060" ims.example
"$bin/pcscfctl" --server "http://$net.1:8060" regs >"$out/regs.log" 2>&1
check "both are seen as registered" test "$(grep -c '^registered ' "$out/regs.log")" -eq 2
check "its calls left charts" grep -q -l -e '<sip:bob@ims.example>' -r "$out/standalone/charts"
check "Kamailio had no complaint" test -z "$(grep -E ' (ERROR|CRITICAL): ' "$out/standalone/kamailio.log")"
ends $lab 0 "the stand-alone lab ends"
check "a lab that cannot start says why" bash -c \
    "! ADDRESS=192.0.2.1 OUT=$out/nowhere $standalone/lab.sh $build 2>&1 | grep -q 'lab is up'"

# --- beside Open5GS -----------------------------------------------------------------------------

domain=ims.mnc001.mcc001.3gppnetwork.org
setpriv --pdeathsig TERM kamailio -DD -E -m 16 -M 4 -Y "$out" -w "$out" -f "$PWD/$standalone/kamailio.cfg" \
    -l "udp:$net.19:4060" -l "udp:$net.20:6060" -A "DOMAIN=\"$domain\"" >"$out/cscf.log" 2>&1 &
cscf=$!
PCSCF_IP=$net.21 ICSCF_IP=$net.19 SCSCF_IP=$net.20 ADVERTISE_IP=$net.21 PCSCF=$bin/pcscf OUT=$out \
    configs/lab-open5gs/start.sh >"$out/open5gs.log" 2>&1 &
pcscf=$!
await "$out/cscf.log" 'ready$' && await "$out/open5gs.log" ' ready$'
verdict $? "the lab beside Open5GS starts ($out/open5gs.log)"
call_through open5gs "$net.21:5060" $domain
ends $pcscf 0 "its P-CSCF ends"
ends $cscf 0 "Kamailio ends"

verdicts
