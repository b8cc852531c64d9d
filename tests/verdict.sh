# SPDX-License-Identifier: GPL-3.0-or-later
# For scripts that count checks: sourced, after `build` is set. They end with "N passed, N failed".
# shellcheck shell=bash
passed=0
failed=0

# verdict STATUS WHAT: counts one check.
verdict() {
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "  failed: $2"
    fi
}

# check WHAT COMMAND...: counts one check; what a command that fails has said last is shown.
check() {
    local what=$1 log=$build/${0##*/}.log
    shift
    "$@" >"$log" 2>&1
    verdict $? "$what ($(tail -n 2 "$log" | tr '\n' ' '))"
}

# The last line, and the exit status.
verdicts() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
