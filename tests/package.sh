#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# package.sh BUILD: manual pages, completion, dashboard and service unit say what the programs say;
# the package installs, runs under systemd and goes. Needs what "make deb" has made. Ends with "N passed, N failed".
set -u
shopt -s lastpipe # what is counted at the end of a pipe counts here

build=$1
. tests/verdict.sh
root=$PWD/$build/root

# all_in FILE WHAT: every line of standard input stands somewhere in FILE.
all_in() {
    local line missing= n=0
    while IFS= read -r line; do
        n=$((n + 1))
        grep -qF -e "$line" "$1" || missing="$missing $line"
    done
    [ "$n" -gt 0 ] && [ -z "$missing" ]
    verdict $? "$2: missing:${missing:- everything}"
}

# A manual page as a reader sees it, hyphens as they are typed.
page() {
    groff -man -Tascii -P -cbou -rLL=200n "$build/man/$1" | tr -d '\b' >"$build/man/$1.txt"
}

options_of() {
    "$build/$1" --help 2>/dev/null | grep -oE -e '--[a-z][a-z0-9-]+' | sort -u
}

# --- manual pages -------------------------------------------------------------------------------

for name in pcscf.8 pcscfctl.1 e2ae-ua.1 pcscf.yaml.5; do
    check "$name has no fault" test -z "$(groff -man -Tascii -ww -z "$build/man/$name" 2>&1)"
    page "$name"
done
options_of pcscf | all_in "$build/man/pcscf.8.txt" "options in pcscf(8)"
options_of pcscfctl | all_in "$build/man/pcscfctl.1.txt" "options in pcscfctl(1)"
options_of e2ae-ua | all_in "$build/man/e2ae-ua.1.txt" "options in e2ae-ua(1)"
"$build/pcscfctl" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' |
    all_in "$build/man/pcscfctl.1.txt" "commands in pcscfctl(1)"
"$build/pcscfctl" --json explain | sed -n 's/^ *"name": "\(.*\)",\{0,1\}$/\1/p' |
    all_in "$build/man/pcscf.8.txt" "reasons and counters in pcscf(8)"
# The keys as the configuration has them: sections and what is indented below them.
keys() {
    awk '/^ *#/ || /^ *$/ { next }
         /^[^ ]/ { section = $1; deep = "" }
         /^  [^ ].*:$/ { deep = $1 }
         { key = $1; sub(/:$/, "", key); sub(/:$/, "", section); sub(/:$/, "", deep) }
         /^[^ ].*:$/ || /^  [^ ].*:$/ { next }
         /^    / { print section "." deep "." key; next }
         /^  / { print section "." key; next }
         { print key }' configs/pcscf.yaml
}
keys | sed 's/$/ (default/' | all_in "$build/man/pcscf.yaml.5.txt" "keys in pcscf.yaml(5)"

# --- completion ---------------------------------------------------------------------------------

# complete WORD...: what the last word may become.
complete_words() {
    bash -c 'set -u; source configs/completion/pcscfctl; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
             _pcscfctl; printf "%s\n" "${COMPREPLY[@]}"' bash "$build/pcscfctl" "$@" 2>&1
}
complete_words '' >"$build/words.txt"
"$build/pcscfctl" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' |
    all_in "$build/words.txt" "completion of commands"
complete_words -- >"$build/words.txt"
options_of pcscfctl | all_in "$build/words.txt" "completion of options"
check "completion of a word" test "$(complete_words log w)" = warn
check "completion behind an option" test "$(complete_words --json calls re)" = recent
check "completion of a reason" test "$(complete_words explain dtls_fing)" = dtls_fingerprint
check "completion of a format" test "$(complete_words call abc chart me)" = mermaid

# --- dashboard and unit -------------------------------------------------------------------------

check "the dashboard is JSON" jq -e '.panels | length > 10' configs/grafana/pcscf.json
"$build/pcscfctl" explain | grep '^pcscf_' >"$build/metrics.txt"
jq -r '.panels[].targets[].expr' configs/grafana/pcscf.json | grep -oE 'pcscf_[a-z_]+' |
    sed -E 's/_(bucket|sum|count)$//' | sort -u | all_in "$build/metrics.txt" "metrics of the dashboard"
jq -r '.panels[].targets[] | "- record: x\n  expr: \(.expr)"' configs/grafana/pcscf.json |
    awk 'BEGIN { print "groups:\n- name: dashboard\n  rules:" }
         /^- record/ { n++; print "  - record: panel_" n; next }
         { sub(/^ *expr: /, ""); gsub(/"/, "\\\""); print "    expr: \"" $0 "\"" }' \
        >"$build/rules.yaml"
check "promtool understands the dashboard" build/tools/promtool check rules "$build/rules.yaml"

# --- the package --------------------------------------------------------------------------------

package=$(ls "$build"/pcscf_*.deb)
rm -rf "$root"
mkdir -p "$root/var/lib/dpkg"
: >"$root/var/lib/dpkg/status"
dpkg_here() {
    dpkg --root="$root" --log=/dev/null --force-not-root --force-depends \
        --force-script-chrootless "$@"
}
check "it installs" dpkg_here --install "$package"
check "it is installed" grep -q 'install ok installed' "$root/var/lib/dpkg/status"
check "the configuration is good" "$root/usr/sbin/pcscf" --check-config \
    --config "$root/etc/pcscf/pcscf.yaml"
check "nobody else reads it" test "$(stat -c %a "$root/etc/pcscf/pcscf.yaml")" = 640
check "the programs are its own" test "$("$root/usr/bin/pcscfctl" --version)" = \
    "$("$build/pcscfctl" --version)"
unit=$root/usr/lib/systemd/system/pcscf.service
for program in $(sed -n 's/^Exec[A-Za-z]*=\([^ ]*\).*/\1/p' "$unit"); do
    check "$program of the unit is there" test -x "$root$program" -o -x "$program"
done
for dependency in $(dpkg-deb -f "$package" Depends | sed 's/([^)]*)//g; s/,/ /g'); do
    check "$dependency is a package of this machine" dpkg-query -W "$dependency"
done
check "it goes" dpkg_here --purge pcscf
check "nothing stays" test -z "$(find "$root" -path "$root/var/lib/dpkg" -prune -o -type f -print)"
rm -rf "$root" "$build/stage"

# --- the service --------------------------------------------------------------------------------

tests/systemd.sh "$build" "$package" | tee "$build/systemd.txt"
read -r good _ bad _ < <(tail -n 1 "$build/systemd.txt")
passed=$((passed + good))
failed=$((failed + bad))

verdicts
