# SPDX-License-Identifier: GPL-3.0-or-later
# For scripts that run programs beside each other: sourced.
# shellcheck shell=bash

# Addresses of this run alone: the whole of 127/8 is local.
# shellcheck disable=SC2034 # for who sources this
net=127.$((16 + $$ / 250 % 200)).$((1 + $$ % 250))

# Ends what this shell has started and what still runs: the number of a process that has ended may
# be somebody else's by now.
end_programs() {
    local pid
    for pid in $(jobs -pr); do
        kill "$pid" 2>/dev/null || true
    done
    wait
}

# From now on whatever ends this shell ends its programs.
end_programs_with_me() {
    trap end_programs EXIT
    trap 'exit 1' INT TERM HUP
}

# await FILE PATTERN [PID]: until FILE holds a line that matches, while PID lives, for ten seconds at
# most.
await() {
    local end=$((SECONDS + 10))
    until grep -q -e "$2" "$1" 2>/dev/null; do
        if [ -n "${3:-}" ] && ! kill -0 "$3" 2>/dev/null; then
            grep -q -e "$2" "$1"
            return
        fi
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.02
    done
}
