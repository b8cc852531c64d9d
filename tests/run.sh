#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh BUILD BINARY...: runs test binaries one after the other, prints the closing line of each,
# and ends with "N passed, N failed" over all checks. Exit status 0 only when nothing failed.
#
# A binary fails as a whole (one more failed check) when it crashes, runs no check, takes longer
# than TEST_TIMEOUT seconds, or leaves processes behind; those are ended. Its output is kept in
# BUILD/log/NAME.log. RUN_WITH holds a command to run each binary with (valgrind).
set -u

build=$1
shift
limit=${TEST_TIMEOUT:-600}
logs=$build/log${RUN_WITH:+-with}
passed=0
failed=0
mkdir -p "$logs"

export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
# The media ports of many sessions need many descriptors.
ulimit -n "$(ulimit -Hn)" 2>/dev/null

# Ends what is still there of session $1 a second after its end. Says how many processes that were.
end_session() {
    local left turn
    for turn in 0 1 2 3 4 5 6 7 8 9; do
        left=$(ps -o pid= -s "$1" 2>/dev/null | wc -l)
        [ "$left" -eq 0 ] && break
        [ "$turn" -lt 9 ] && sleep 0.1
    done
    [ "$left" -gt 0 ] && pkill -KILL -s "$1" 2>/dev/null
    echo "$left"
}

# Sets checks and bad from the closing lines of a log.
count() {
    read -r checks bad < <(awk '
        /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/ {
            gsub(/[,:%]/, " "); checks += $3; bad += $5 + $7
        }
        END { print checks + 0, bad + 0 }' "$1")
}

# A session of its own hears no interrupt key: pass it on.
session=
trap '[ -n "$session" ] && pkill -KILL -s "$session"; exit 130' INT TERM

# Runs one binary in a session of its own. Sets status.
run() {
    # shellcheck disable=SC2086
    setsid timeout -k 5 "$limit" ${RUN_WITH:-} "$1" >"$2" 2>&1 </dev/null &
    session=$!
    { wait "$session"; } 2>/dev/null # what the shell says of a signal, trouble() says too
    status=$?
    left=$(end_session "$session")
}

# Says why the binary failed beyond its checks; nothing when it did not.
trouble() {
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        echo "ended after $limit s"
    elif [ "$checks" -eq 0 ]; then
        echo "ran no check, status $status"
    elif [ "$status" -gt 128 ]; then
        echo "crashed, signal $((status - 128))"
    elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "ended with status $status"
    elif [ "$left" -gt 0 ]; then
        echo "left $left processes behind"
    fi
}

# What a log says about a failure: checks that failed, the first sanitizer report, the rest of its
# end.
show() {
    {
        grep -E ':[FE]:' "$1" | head -n 30
        grep -m 1 -A 14 -E 'runtime error:|^==[0-9]+== ?ERROR: |^WARNING: ThreadSanitizer: ' "$1"
        echo "--- the end of $1:"
        grep -vE ':[FE]:' "$1" | tail -n 20
    } | sed 's/^/    /'
}

for binary in "$@"; do
    name=$(basename "$binary")
    log=$logs/$name.log
    begun=$SECONDS
    run "$binary" "$log"
    count "$log"
    why=$(trouble)
    [ -n "$why" ] && bad=$((bad + 1)) && checks=$((checks + 1))
    passed=$((passed + checks - bad))
    failed=$((failed + bad))
    printf '  %-24s %4d checks, %d failed%s%s\n' "$name" "$checks" "$bad" \
        "$([ $((SECONDS - begun)) -ge 5 ] && echo ", $((SECONDS - begun)) s")" "${why:+: $why}"
    [ "$bad" -gt 0 ] && show "$log"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
