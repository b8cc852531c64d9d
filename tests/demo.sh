#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# demo.sh BUILD: both faxes of TS 23.334 6.2.10.4, from nothing.
#
# Happy path: a document is made; the P-CSCF and two user agents start on loopback addresses of
# their own; the document travels from the UE to the core and from the core to the UE, and what
# arrives is compared pixel by pixel; both charts are shown. BUILD/demo/ keeps pages, charts, logs.
# Failure: the first step that does not hold is named with what the programs said, and the exit
# status is 1. Whatever was started is ended in any case.
set -euo pipefail

build=${1:?usage: demo.sh BUILD}
out=$build/demo
pages=3
speed=20 # times faster than a fax machine; a relay in between stands that well
patience=50 # seconds for one fax: ten times what it takes

# Addresses of this run alone: the whole of 127/8 is local.
net=127.$((16 + $$ / 250 % 200)).$((1 + $$ % 250))
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

pids=()
clean_up() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    wait
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# Waits until FILE holds a line that matches, while PID lives.
await() {
    local file=$1 pattern=$2 pid=$3
    timeout 10 grep -q -m1 -e "$pattern" < <(exec tail -q -n +1 -f --pid="$pid" "$file")
}

start_pcscf() {
    mkdir -p "$out/trace"
    cat >"$out/pcscf.yaml" <<END
access: {listen: ["$access"], media: ["$net.1"]}
core: {listen: ["$core"], media: ["$net.1"], next_hop: "$peer"}
ues: [{user: alice, contact: "$ue"}]
trace: {directory: "$out/trace"}
admin: {listen: "off"}
END
    : >"$out/pcscf.log"
    "$build/pcscf" --config "$out/pcscf.yaml" >>"$out/pcscf.log" 2>&1 &
    pcscf=$!
    pids+=("$pcscf")
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
        'offer-received '* | 'answer-received '*)
            ok "$who gets $(value proto "$line"), setup $(value setup "$line"), a fingerprint"
            ;;
        'dtls-established '*)
            ok "$who: DTLS is up as $(value role "$line"), the P-CSCF's certificate verified"
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
    pids+=("$agent_pid")
}

# fax NUMBER CALLER CALLEE: the arguments of both stand in the arrays `call` and `answer`.
fax() {
    local number=$1 caller=$2 callee=$3
    local got=$out/$number-received.tif from=$out/$number-$caller.log to=$out/$number-$callee.log
    local began=${EPOCHREALTIME/./} callee_pid callee_shown took
    : >"$to"
    agent "$callee" "$to" "${answer[@]}" --answer --receive "$got"
    callee_pid=$agent_pid callee_shown=$shown_pid
    await "$to" '^ready' "$callee_pid" || fail "$callee does not start" "$to"
    agent "$caller" "$from" "${call[@]}" --send "$out/document.tif"
    wait "$agent_pid" || fail "$caller could not send the fax" "$from" "$to" "$out/pcscf.log"
    wait "$callee_pid" || fail "$callee did not receive the fax" "$from" "$to" "$out/pcscf.log"
    wait "$shown_pid" "$callee_shown"
    took=$((${EPOCHREALTIME/./} - began))
    "$build/e2ae-ua" --compare "$out/document.tif" "$got" >"$out/$number-compare.log" ||
        fail "the pages are not what was sent" "$out/$number-compare.log"
    ok "$(printf '%d pages in %d.%d s, pixel by pixel what was sent' \
        $pages $((took / 1000000)) $((took / 100000 % 10)))"
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

# keep NUMBER NAME FIGURE: gives the chart of this figure a name of its own, and shows it.
keep() {
    local found
    found=$(grep -l -F -e "$3" "$out"/trace/*.txt) || fail "no chart: $3" "$out/pcscf.log"
    mv "$found" "$out/$1-$2.txt"
    mv "${found%.txt}.mmd" "$out/$1-$2.mmd"
    head_line "$(arrows "$out/$1-$2.txt")"
}

# The numbers of the figure all stand in the chart.
steps_complete() {
    local step
    for step in {1..16}; do
        grep -q -E "[ |]$step\. " "$1" || fail "step $step is missing in $1"
    done
}

# --- the demo ---------------------------------------------------------------------------------

rm -rf "$out"
mkdir -p "$out"
printf 'T.38 fax with end-to-access-edge security (TS 23.334 6.2.10.4)\n\n'
"$build/e2ae-ua" --make-page "$out/document.tif" --pages $pages >/dev/null
ok "a document of $pages pages: $out/document.tif"
start_pcscf

head_line 'Fax 1, from the UE: DTLS to the P-CSCF, plain UDPTL into the core (6.2.10.4.2)'
call=(--side ue --listen "$ue" --proxy "$access" --identity sip:alice@example.net --call "sip:fax@$peer")
answer=(--side core --listen "$peer" --identity sip:fax@example.net)
fax 1 UE core

head_line 'Fax 2, to the UE: plain UDPTL out of the core, DTLS to the UE (6.2.10.4.3)'
call=(--side core --listen "$peer" --proxy "$core" --identity sip:fax@example.net --call sip:alice@example.net)
answer=(--side ue --listen "$ue" --identity sip:alice@example.net)
fax 2 core UE

stop_pcscf
keep 1 chart 6.2.10.4.2.1
keep 2 chart 6.2.10.4.3.1
rmdir "$out/trace"
steps_complete "$out/1-chart.txt"
steps_complete "$out/2-chart.txt"

head_line 'Both faxes arrived; both charts hold all 16 steps of their figures.'
ok "complete, with Iq elements, H.248 and SDP bodies: $out/1-chart.txt, $out/2-chart.txt"
ok "the same for Git forges (Mermaid): $out/1-chart.mmd, $out/2-chart.mmd"
ok "pages: $out/document.tif, $out/1-received.tif, $out/2-received.tif"
