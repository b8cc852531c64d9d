#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# lesson.sh [NUMBER]: one lesson of configs/lessons: a call in which one thing is changed, what its
# chart says about it, and what to think about. Without a number: all of them as a test, whose last
# line counts as that of a unit test does. BUILD is "build" unless the environment says otherwise.
#
# A lesson is its title, then lines "KEY: VALUE" up to "---", then its text. Keys: from (who calls: ue
# or core), ue and core (arguments of either user agent; @page@ is a fax, @got@ what arrives),
# access (keys that join this section of the configuration), look (an expression that lines of the
# chart match; shown), gone (one that none does), result (failed: the caller does not come through).
#
# Happy path: the P-CSCF and the callee start, the caller comes through, the chart is asked for with
# pcscfctl and looked at. Failure: what does not hold is named, and the exit status is 1. Whatever
# was started is ended in any case.
set -euo pipefail

build=${BUILD:-build}
out=$build/lessons
. tests/programs.sh
access=$net.1:15060 core=$net.1:15070 ue=$net.2:15062 peer=$net.3:15080
server=http://$net.1:8060

fail() {
    echo "  FAIL  $1" >&2
    exit 1
}

# ready FILE PATTERN PID: waits for it.
ready() {
    await "$@" || fail "not ready: see $1"
}

# Sets title, text, keys and the lists look and gone from a lesson.
declare -A keys
read_lesson() {
    local line
    keys=([from]=ue [result]=ok [ue]='' [core]='' [access]='')
    look=() gone=()
    exec 3<"$1"
    IFS= read -r title <&3
    while IFS= read -r line <&3 && [ "$line" != --- ]; do
        case $line in
        look:*) look+=("${line#*: }") ;;
        gone:*) gone+=("${line#*: }") ;;
        *) keys[${line%%:*}]=${line#*: } ;;
        esac
    done
    text=$(cat <&3)
    exec 3<&-
}

# Puts the arguments of a user agent into the array `args`.
arguments() {
    local line=${1//@page@/$out/page.tif}
    read -r -a args <<<"${line//@got@/$out/got.tif}"
}

start_pcscf() {
    cat >"$dir/pcscf.yaml" <<END
access: {listen: ["$access"], media: ["$net.1"]${keys[access]:+, ${keys[access]}}}
core: {listen: ["$core"], media: ["$net.1"], next_hop: "$peer"}
ues: [{user: alice, contact: "$ue"}]
admin: {listen: "$net.1:8060"}
END
    : >"$dir/pcscf.log"
    "$build/pcscf" --config "$dir/pcscf.yaml" >>"$dir/pcscf.log" 2>&1 &
    ready "$dir/pcscf.log" ' ready$' $!
}

# Both user agents, until the call is over. Sets status, of the caller.
call() {
    local -a args as_ue as_core
    local callee
    arguments "${keys[ue]}"
    as_ue=(--side ue --listen "$ue" --identity sip:alice@example.net "${args[@]}")
    arguments "${keys[core]}"
    as_core=(--side core --listen "$peer" --identity sip:bob@example.net "${args[@]}")
    if [ "${keys[from]}" = ue ]; then
        as_core+=(--answer)
        as_ue+=(--proxy "$access" --call "sip:bob@$peer")
        caller=("${as_ue[@]}") called=("${as_core[@]}")
    else
        as_ue+=(--answer)
        as_core+=(--proxy "$core" --call sip:alice@example.net)
        caller=("${as_core[@]}") called=("${as_ue[@]}")
    fi
    : >"$dir/callee.log"
    "$build/e2ae-ua" "${called[@]}" >>"$dir/callee.log" 2>&1 &
    callee=$!
    ready "$dir/callee.log" '^ready' "$callee"
    status=0
    "$build/e2ae-ua" "${caller[@]}" >"$dir/caller.log" 2>&1 || status=$?
    wait "$callee" || true
}

# The chart of the newest session.
fetch_chart() {
    local id
    id=$("$build/pcscfctl" --server "$server" --json calls | grep -o -m1 '"id": *"[^"]*"' | head -n 1)
    id=${id%\"} id=${id##*\"}
    [ -n "$id" ] || fail "there was no session: see $dir"
    "$build/pcscfctl" --server "$server" call "$id" chart >"$dir/chart.txt"
    "$build/pcscfctl" --server "$server" call "$id" chart html >"$dir/chart.html"
}

judge() {
    local one
    if [ "${keys[result]}" = failed ]; then
        [ "$status" -ne 0 ] || fail "the caller came through"
    else
        [ "$status" -eq 0 ] || fail "the caller did not come through: see $dir/caller.log"
    fi
    for one in "${look[@]}"; do
        grep -q -E -e "$one" "$dir/chart.txt" || fail "not in $dir/chart.txt: $one"
    done
    for one in ${gone[@]+"${gone[@]}"}; do
        ! grep -q -E -e "$one" "$dir/chart.txt" || fail "still in $dir/chart.txt: $one"
    done
}

show() {
    local one
    printf '\nLesson %s: %s\n\n%s\n\nWhat ran:\n' "$number" "$title" "$text"
    printf '  e2ae-ua %s\n' "${called[*]}" "${caller[*]}"
    [ -z "${keys[access]}" ] || printf '  pcscf with access: %s\n' "${keys[access]}"
    printf '\nIn the chart:\n'
    grep -E "${look[@]/#/-e}" "$dir/chart.txt"
    printf '\n  All of it: %s, and to click through: %s\n' "$dir/chart.txt" "$dir/chart.html"
}

# lesson FILE: in a shell of its own, so that what it started ends with it.
lesson() (
    end_programs_with_me
    number=$(basename "$1") number=${number%%-*}
    dir=$out/$number
    mkdir -p "$dir"
    read_lesson "$1"
    start_pcscf
    call
    fetch_chart
    judge
    show
)

[ -s "$out/page.tif" ] || {
    mkdir -p "$out"
    "$build/e2ae-ua" --make-page "$out/page.tif" --pages 1 >/dev/null
}
if [ $# -gt 0 ]; then
    set -- configs/lessons/"$1"-*.txt
    [ -e "$1" ] || fail "there is no such lesson"
    lesson "$1"
    exit
fi
run=0 failed=0
for file in configs/lessons/[0-9]*.txt; do
    run=$((run + 1))
    number=$(basename "$file")
    "$0" "${number%%-*}" || failed=$((failed + 1))
done
echo "$((100 * (run - failed) / run))%: Checks: $run, Failures: $failed, Errors: 0"
[ "$failed" -eq 0 ]
