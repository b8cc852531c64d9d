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

for binary in "$@"; do
    name=$(basename "$binary")
    log=build/fuzz/log/$name.log
    corpus=build/fuzz/corpus/$name
    folders=("$corpus")
    mkdir -p "$corpus"
    [ -d "$here/seeds/$name" ] && folders+=("$here/seeds/$name")
    if timeout -k 5 $((seconds + 60)) "$binary" -max_total_time="$seconds" -timeout=5 \
        -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="build/fuzz/broken/$name-" \
        "${folders[@]}" >"$log" 2>&1 </dev/null &&
        [ "$(stat "$log" number_of_executed_units)" -gt 0 ]; then
        passed=$((passed + 1))
        printf '  %-20s %9d executions, %d/s, %d inputs\n' "$name" \
            "$(stat "$log" number_of_executed_units)" "$(stat "$log" average_exec_per_sec)" \
            "$(find "$corpus" -type f | wc -l)"
    else
        failed=$((failed + 1))
        echo "  $name failed; the end of $log:"
        tail -n 40 "$log" | sed 's/^/    /'
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
