#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# demo.sh BUILD: fax, chat and floor control with end-to-access-edge security (TS 23.334 6.2.10.3,
# 6.2.10.4), from nothing.
#
# Happy path: a document and a file are made; the P-CSCF and two user agents start on loopback
# addresses of their own. The UE registers, and agrees on media security with it. A fax, a chat with
# a file transfer and a floor request go from the UE to the core and from the core to the UE; the
# pages that arrive are compared pixel by pixel, the files byte by byte; all charts are shown.
# BUILD/demo/ keeps pages, files, charts, logs.
# Failure: the first step that does not hold is named with what the programs said, and the exit
# status is 1. Whatever was started is ended in any case.
set -euo pipefail

build=${1:?usage: demo.sh BUILD}
out=$build/demo
pages=3
speed=20 # times faster than a fax machine; a relay in between stands that well
patience=50 # seconds for one call: ten times what the longest takes
file_bytes=1048576
mediasec='udptl-dtls;mediasec, msrp-tls;mediasec, bfcp-tls;mediasec'

. tests/programs.sh
access=$net.1:15060 core=$net.1:15070
ue=$net.2:15062 peer=$net.3:15080

# --- what it looks like -----------------------------------------------------------------------

ok() { printf '  ok    %s\n' "$*"; }
head_line() { printf '\n%s\n' "$*"; }

fail() {
    printf '  FAIL  %s\n' "$1"
    shift
    local log
    for log in "$@"; do
        printf '\n--- the end of %s\n' "$log"
        tail -n 12 "$log"
    done
    exit 1
}

# --- what runs --------------------------------------------------------------------------------

end_programs_with_me

start_pcscf() {
    mkdir -p "$out/trace"
    cat >"$out/pcscf.yaml" <<END
access: {listen: ["$access"], media: ["$net.1"]}
core: {listen: ["$core"], media: ["$net.1"], next_hop: "$peer"}
trace: {directory: "$out/trace"}
admin: {listen: "off"}
END
    : >"$out/pcscf.log"
    "$build/pcscf" --config "$out/pcscf.yaml" >>"$out/pcscf.log" 2>&1 &
    pcscf=$!
    await "$out/pcscf.log" ' ready$' "$pcscf" || fail "the P-CSCF does not start" "$out/pcscf.log"
    ok "P-CSCF is up: UE side $access, core side $core"
}

# The value of KEY in an event line.
value() {
    local word
    for word in $2; do
        [[ $word == "$1="* ]] && printf '%s' "${word#*=}" && return
    done
    printf -- '-'
}

# One line per event worth one, of either user agent.
show() {
    local who=$1 line
    while IFS= read -r line; do
        case $line in
        'offer-received '*' setup=- '* | 'answer-received '*' setup=- '*)
            ok "$who gets $(value proto "$line"), without security attributes"
            ;;
        'offer-received '*' fingerprints=0 '* | 'answer-received '*' fingerprints=0 '*)
            ok "$who gets $(value proto "$line"), setup $(value setup "$line"), no fingerprint"
            ;;
        'offer-received '* | 'answer-received '*)
            ok "$who gets $(value proto "$line"), setup $(value setup "$line"), a fingerprint"
            ;;
        'registered status=200 '*)
            ok "$who is registered; the P-CSCF's mechanisms: ${line#*security-server=}"
            ;;
        'registrar '*)
            ok "$who has a registration of $(value identity "$line")"
            ;;
        'dtls-established '*)
            ok "$who: DTLS is up as $(value role "$line"), the P-CSCF's certificate verified"
            ;;
        'tcp-connected '*)
            ok "$who: TCP is up as $(value role "$line")"
            ;;
        'tls-established '*)
            ok "$who: $(value version "$line") is up as $(value role "$line"), the P-CSCF's certificate verified"
            ;;
        'msrp-received '*)
            ok "$who reads: ${line#*=}"
            ;;
        'msrp-report '*)
            ok "$who: the other side has all $(value bytes "$line") bytes of a message"
            ;;
        'file-received '*)
            ok "$who: a file of $(value bytes "$line") bytes is here"
            ;;
        'bfcp-sent '*' status=none')
            ok "$who sends $(value primitive "$line")"
            ;;
        'bfcp-sent '*)
            ok "$who sends $(value primitive "$line"): $(value status "$line")"
            ;;
        'fax-page received='*)
            ok "$who: page ${line##*=} of $pages is here"
            ;;
        esac
    done
}

# agent WHO LOG ARGUMENT...: starts a user agent. Leaves its pid in `agent_pid`, and that of what
# shows its events in `shown_pid`.
agent() {
    local who=$1 log=$2 pipe
    shift 2
    exec {pipe}> >(tee "$log" | show "$who")
    shown_pid=$!
    "$build/e2ae-ua" "$@" --speed $speed --timeout $patience >&"$pipe" 2>&1 &
    agent_pid=$!
    exec {pipe}>&-
}

# run NUMBER CALLER CALLEE: one call until both are done. The arguments of both stand in the arrays
# `call` and `answer`; `took` is how long it took, for people.
run() {
    local number=$1 caller=$2 callee=$3
    local from=$out/$number-$caller.log to=$out/$number-$callee.log
    local began=${EPOCHREALTIME/./} callee_pid callee_shown us
    : >"$to"
    agent "$callee" "$to" "${answer[@]}" --answer
    callee_pid=$agent_pid callee_shown=$shown_pid
    await "$to" '^ready' "$callee_pid" || fail "$callee does not start" "$to"
    agent "$caller" "$from" "${call[@]}"
    wait "$agent_pid" || fail "$caller did not come through" "$from" "$to" "$out/pcscf.log"
    wait "$callee_pid" || fail "$callee did not come through" "$from" "$to" "$out/pcscf.log"
    wait "$shown_pid" "$callee_shown"
    us=$((${EPOCHREALTIME/./} - began))
    took=$(printf '%d.%d s' $((us / 1000000)) $((us / 100000 % 10)))
}

# The kinds of calls: NUMBER CALLER CALLEE, with who calls whom in the arrays.
fax() {
    local got=$out/$1-received.tif
    call+=(--send "$out/document.tif")
    answer+=(--receive "$got")
    run "$@"
    "$build/e2ae-ua" --compare "$out/document.tif" "$got" >"$out/$1-compare.log" ||
        fail "the pages are not what was sent" "$out/$1-compare.log"
    ok "$pages pages in $took, pixel by pixel what was sent"
}

chat() {
    local got=$out/$1-received.bin
    call+=(--offer msrp --say "Hello $3" --expect-text "Hello $2" --send-file "$out/file.bin")
    answer+=(--expect-text "Hello $3" --say "Hello $2" --receive-file "$got")
    run "$@"
    cmp "$out/file.bin" "$got" >"$out/$1-compare.log" 2>&1 ||
        fail "the file is not what was sent" "$out/$1-compare.log"
    ok "two messages and a file in $took, byte by byte what was sent"
}

floor() {
    call+=(--offer bfcp --floor client)
    answer+=(--floor server)
    run "$@"
    ok "a floor asked for, granted, released in $took"
}

from_ue() {
    call=(--side ue --listen "$ue" --proxy "$access" --identity sip:alice@example.net --call "sip:bob@$peer")
    answer=(--side core --listen "$peer" --identity sip:bob@example.net)
}

to_ue() {
    call=(--side core --listen "$peer" --proxy "$core" --identity sip:bob@example.net --call sip:alice@example.net)
    answer=(--side ue --listen "$ue" --identity sip:alice@example.net)
}

stop_pcscf() {
    kill -TERM "$pcscf"
    wait "$pcscf" || fail "the P-CSCF did not end well" "$out/pcscf.log"
}

# --- the charts -------------------------------------------------------------------------------

# A chart without the Iq elements and H.248 below its arrows. They stand between the second and the
# third lifeline, three blanks away from the second; what stands closer is the beginning of a label,
# which goes on until its arrow, or of SDP edits. A note of the AGW ends at a mark on its lifeline and
# goes on deeper than elements begin.
arrows() {
    awk '
        !gap_at {
            print
            if ($0 !~ /^ *[|] +[|] +[|] +[|]$/) next
            split($0, part, "|")
            gap_at = length(part[1] part[2]) + 3
            gap_length = length(part[3])
            next
        }
        /^$/ { exit }
        {
            gap = substr($0, gap_at, gap_length)
            arrow = gap ~ /--|==|~~/ || /[-=~]>[|]|[|]<[-=~]|-x[|]|[|]x-/
            mark = substr($0, gap_at + gap_length - 1, 3) ~ /^ [*ox] ?$/
            if (gap ~ /^ [^ ]/) label = 1
            if (gap !~ /^ *$/ && gap !~ /^    /) note = 0
            if (mark) note = 1
            if (arrow || mark || label || note || gap ~ /^ *$/ && /[^ |]/) print
            if (arrow) label = note = 0
        }' "$1"
}

# keep NUMBER STEPS TITLE: gives the chart of this title a name of its own, and shows it. The
# numbers of its figure, 1 to STEPS, all stand in it.
keep() {
    local found step
    found=$(grep -l -F -e "$3" "$out"/trace/*.txt) || fail "no chart: $3" "$out/pcscf.log"
    mv "$found" "$out/$1-chart.txt"
    mv "${found%.txt}.mmd" "$out/$1-chart.mmd"
    head_line "$(arrows "$out/$1-chart.txt")"
    for ((step = 1; step <= $2; step++)); do
        grep -q -E "[ |]$step\. " "$out/$1-chart.txt" ||
            fail "step $step is missing in $out/$1-chart.txt"
    done
}

# --- the demo ---------------------------------------------------------------------------------

rm -rf "$out"
mkdir -p "$out"
printf 'Media with end-to-access-edge security (TS 23.334 6.2.10.3, 6.2.10.4)\n\n'
"$build/e2ae-ua" --make-page "$out/document.tif" --pages $pages >/dev/null
ok "a document of $pages pages: $out/document.tif"
head -c $file_bytes /dev/urandom >"$out/file.bin"
ok "a file of $file_bytes bytes: $out/file.bin"
start_pcscf

head_line 'Registration with mediasec, then fax 1, from the UE: DTLS to the P-CSCF, plain UDPTL into the core (6.2.10.4.2)'
from_ue
call+=(--register --user alice --password secret --mediasec "$mediasec")
answer+=(--registrar --user alice --password secret)
fax 1 UE core

head_line 'Fax 2, to the UE: plain UDPTL out of the core, DTLS to the UE (6.2.10.4.3)'
to_ue
fax 2 core UE

head_line 'Chat 3, from the UE: TLS to the P-CSCF, plain TCP into the core (6.2.10.3.1.1)'
from_ue
chat 3 UE core

head_line 'Chat 4, to the UE (6.2.10.3.1.2)'
to_ue
chat 4 core UE

head_line 'Floor request 5, from the UE: BFCP over TLS, and over plain TCP into the core (6.2.10.3.2.1)'
from_ue
floor 5 UE core

head_line 'Floor request 6, to the UE (6.2.10.3.2)'
to_ue
floor 6 core UE

stop_pcscf
keep 0 0 'mechanisms of the UE'
keep 1 16 'figure 6.2.10.4.2.1'
keep 2 16 'figure 6.2.10.4.3.1'
keep 3 17 'MSRP from the IMS access network'
keep 4 19 'MSRP towards the IMS access network'
keep 5 17 'BFCP from the IMS access network'
keep 6 19 'BFCP towards the IMS access network'
rmdir "$out/trace"

head_line 'The UE is registered and all six calls came through; each chart holds all steps of its figure.'
ok "charts with Iq elements, H.248 and SDP bodies: $out/0-chart.txt to $out/6-chart.txt"
ok "the same for Git forges (Mermaid): $out/0-chart.mmd to $out/6-chart.mmd"
ok "what was sent: $out/document.tif, $out/file.bin; what arrived: $out/[1-4]-received.*"
