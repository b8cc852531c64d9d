#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# check.sh: everything that must hold before a change is done: lint; unit tests, golden files and
# flows; the same under AddressSanitizer and UndefinedBehaviorSanitizer; a short fuzz; valgrind on
# the unit tests that are quick. The last line is "N passed, N failed" over all of it.
set -u

# The targets below are makes of their own: they share no job server with the one that called.
unset MAKEFLAGS MFLAGS MAKELEVEL
jobs=$(nproc)
export FUZZ_SECONDS=${FUZZ_SECONDS:-4}
passed=0
failed=0

# step NAME COMMAND...: runs the command and adds up what its last line counts. A command without
# such a line counts as one check by its exit status.
step() {
    local name=$1 log=build/log/step-$1.log status counts begun=$SECONDS
    shift
    echo "== $name"
    mkdir -p build/log
    "$@" 2>&1 </dev/null | tee "$log"
    status=${PIPESTATUS[0]}
    counts=$(tail -n 3 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$' | tail -n 1)
    if [ -n "$counts" ]; then
        read -r good _ bad _ <<<"$counts"
    else
        good=$((status == 0 ? 1 : 0))
        bad=0
    fi
    [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    passed=$((passed + good))
    failed=$((failed + bad))
    echo "== $name: $good passed, $bad failed, $((SECONDS - begun)) s"
}

# Unit tests that valgrind is through with in seconds: those without media, threads and keys.
quick() {
    local test
    for test in addr bandwidth chart config deadline fingerprint fsm negotiation ports reason sdp \
        sdp_edit sdp_golden sdp_memory session text trace udptl; do
        [ -x "build/tests/test_$test" ] && echo "build/tests/test_$test"
    done
}

under_valgrind() {
    # shellcheck disable=SC2046
    RUN_WITH="valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite" \
        tests/run.sh build $(quick)
}

step lint make --no-print-directory -j "$jobs" lint
step normal make --no-print-directory -j "$jobs" check-variant
step asan make --no-print-directory -j "$jobs" VARIANT=asan check-variant
step lab make --no-print-directory lab-check
step package make --no-print-directory package-check
step fuzz make --no-print-directory -j "$jobs" fuzz
step valgrind under_valgrind
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
