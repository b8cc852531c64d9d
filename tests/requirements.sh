#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# requirements.sh [--write]: the table of README that says where each requirement is met and which
# test names it, made of tests/requirements.txt, the sources and the tests. Without --write it is
# compared with the one that stands there. Silent when all is well.
#
# Failure: a requirement of the list that no test names and that is not marked open, one that is
# marked open and has a test, one that is named and is not on the list, a file that is not there, a
# table that is not the one in README.
set -u

list=tests/requirements.txt
begin='<!-- requirements: made by tests/requirements.sh -->'
end='<!-- end of requirements -->'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

complain() {
    echo "requirements: $1" >&2
    status=1
}

# named FILE...: "PCSCF-010 file" for each requirement that a file names, ranges ("REQ-020 to REQ-027",
# "REQ-090..095") in full, and names of tests ("PCSCF_012").
named() {
    grep -HoE '(PCSCF|REQ)[-_][0-9]{3}(( to |\.\.)((PCSCF|REQ)-)?[0-9]{3})?' "$@" /dev/null |
        awk -F: '{
            gsub(/_/, "-", $2)
            split($2, part, / to |\.\./)
            kind = part[1]; sub(/-.*/, "", kind)
            first = part[1]; sub(/.*-/, "", first)
            last = part[2] == "" ? first : part[2]; sub(/.*-/, "", last)
            for (n = first + 0; n <= last + 0; n++) printf "%s-%03d %s\n", kind, n, $1
        }' | sort -u
}

# files OF NUMBER: those of a list of named(), as one cell of a table.
files() {
    sed -n "s/^$2 //p" "$1" | sed 's/.*/`&`/' | paste -s -d ' '
}

# row NUMBER WHERE TEXT: WHERE "": the sources that name it.
row() {
    local number=$1 where=$2 text=$3 tests file
    tests=$(files "$work/tests" "$number")
    for file in $where; do
        [ -f "$file" ] || complain "$number: $file is not there"
    done
    where=$(sed -E 's/[^ ]+/`&`/g' <<<"$where")
    [ -n "$where" ] || where=$(files "$work/sources" "$number")
    case $text in
    'open '*)
        [ -z "$tests" ] || complain "$number has a test: it is not open any more"
        text=${text#open } tests='none yet'
        ;;
    *)
        [ -n "$tests" ] || complain "no test names $number"
        ;;
    esac
    echo "| $number | $text | ${where:--} | $tests |"
}

# rows KIND: the table of those.
rows() {
    local number where text
    echo '| Requirement | In short | Where | Shown by |'
    echo '|---|---|---|---|'
    while read -r number rest; do
        where=${rest%%|*} text=${rest#*| }
        row "$number" "${where% }" "$text"
    done < <(grep "^$1" $list)
}

table() {
    echo "$begin"
    rows PCSCF
    echo
    echo '<details><summary>Of media security (REQ)</summary>'
    echo
    rows REQ
    echo
    echo '</details>'
    echo "$end"
}

# What is named and not on the list.
strangers() {
    local number file
    while read -r number file; do
        grep -q "^$number " $list || complain "$file names $number, which is not in $list"
    done < <(sort -u "$work/tests" "$work/sources")
}

mentions='(PCSCF|REQ)[-_][0-9]{3}'
# shellcheck disable=SC2046
named $(grep -rIlE "$mentions" tests --exclude-dir={ua,bench} --exclude='requirements.*') >"$work/tests"
# shellcheck disable=SC2046
named $(grep -rIlE "$mentions" alg agw sdp common) >"$work/sources"
table >"$work/table"
strangers
if [ "${1:-}" = --write ]; then
    sed -i -e "\\|^$begin|,\\|^$end|{\\|^$end|r $work/table" -e 'd}' README.md
elif ! sed -n "\\|^$begin|,\\|^$end|p" README.md | diff -q - "$work/table" >/dev/null; then
    complain "the table in README.md is not up to date: make requirements"
fi
exit $status
