#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# lint.sh FLAGS FILE...: clang-format on all files, clang-tidy on every .c, two at a time. A file
# that was clean stays clean until it, a header of the tree it includes, the flags or the rules
# change: then it is looked at again (build/lint remembers). The analyzer, which takes ten times as
# long as all the rest, is for what users run: tests have the sanitizers. Silent when all is well.
set -u

cache=build/lint

# What the verdict on a file depends on, as one hash.
fingerprint() {
    local headers
    # shellcheck disable=SC2086
    headers=$(gcc $1 -MM "$2" 2>/dev/null | tr -d '\\\n' | sed 's/^[^:]*: *//')
    # shellcheck disable=SC2086
    { echo "$1"; cat .clang-tidy $headers "$2"; } | sha256sum | cut -c1-32
}

# One file: FLAGS FILE.
tidy() {
    local mark out checks=
    [[ $2 == tests/* && $2 != tests/ua/* ]] && checks='-clang-analyzer-*'
    mark=$cache/$(tr / _ <<<"$2").$(fingerprint "$1" "$2")
    [ -e "$mark" ] && return 0
    # shellcheck disable=SC2086
    if out=$(clang-tidy --quiet --checks="$checks" "$2" -- $1 2>&1); then
        rm -f "$cache/$(tr / _ <<<"$2")".*
        touch "$mark"
        return 0
    fi
    # What is wrong, without the paths that lead there: clang-tidy itself shows those.
    grep -A 2 'error:' <<<"$out" || echo "$out"
    return 1
}

if [ "$1" = --one ]; then
    tidy "$2" "$3"
    exit
fi

flags="$1 -DPCSCF_VERSION=\"lint\" -DCHART_JS_SHA256=\"lint\""
shift
status=0
mkdir -p "$cache"
clang-format --dry-run -Werror "$@" || status=1
printf '%s\0' "$@" | grep -zE '\.c$' | xargs -0 -r -P 2 -n 1 "$0" --one "$flags" || status=1
exit $status
