#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh SECONDS BINARY...: runs each libFuzzer binary for SECONDS on its seeds and on what earlier
# runs found (build/fuzz/corpus). Says executions per target, ends with "N passed, N failed". An
# input that broke a target is kept in build/fuzz/broken.
set -u

seconds=$1
shift
here=$(dirname "$0")
passed=0
failed=0
mkdir -p build/fuzz/broken build/fuzz/log

stat() {
    sed -n "s/^stat::$2: *//p" "$1"
}

# One target: its log is all it says.
run() {
    local name corpus folders
    name=$(basename "$1")
    corpus=build/fuzz/corpus/$name
    folders=("$corpus")
    mkdir -p "$corpus"
    [ -d "$here/seeds/$name" ] && folders+=("$here/seeds/$name")
    exec timeout -k 5 $((seconds + 60)) "$1" -max_total_time="$seconds" -timeout=5 \
        -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="build/fuzz/broken/$name-" \
        "${folders[@]}" >"build/fuzz/log/$name.log" 2>&1 </dev/null
}

# What became of it: NAME STATUS.
report() {
    local log=build/fuzz/log/$1.log executed
    executed=$(stat "$log" number_of_executed_units)
    if [ "$2" -eq 0 ] && [ "${executed:-0}" -gt 0 ]; then
        passed=$((passed + 1))
        printf '  %-20s %9d executions, %d/s, %d inputs\n' "$1" "$executed" \
            "$(stat "$log" average_exec_per_sec)" "$(find "build/fuzz/corpus/$1" -type f | wc -l)"
    else
        failed=$((failed + 1))
        echo "  $1 failed; the end of $log:"
        tail -n 40 "$log" | sed 's/^/    /'
    fi
}

# As many at a time as there are processors.
while [ $# -gt 0 ]; do
    names=() pids=()
    for ((i = $(nproc); i > 0 && $# > 0; i--)); do
        run "$1" &
        pids+=($!) names+=("$(basename "$1")")
        shift
    done
    for i in "${!pids[@]}"; do
        wait "${pids[i]}"
        report "${names[i]}" $?
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
