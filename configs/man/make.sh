#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# make.sh BUILD OUT: writes the manual pages into OUT. What a program says about itself (options,
# reasons, counters) and the annotated configuration are the sources, so that pages cannot lag
# behind; the templates beside this script hold the rest.
set -eu

build=$1
out=$2
here=$(dirname "$0")
version=$("$build/pcscf" --version | cut -d' ' -f2)
mkdir -p "$out"

# Text as it is, for roff.
plain() {
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"
}

# What a program answers to --help, line for line.
help_of() {
    printf '.nf\n'
    "$build/$1" --help | plain
    printf '.fi\n'
}

# "pcscfctl explain" as a list: names stand at the margin, what they mean is indented.
explained() {
    "$build/pcscfctl" explain | awk -v want="$1" '
        /^[^ ]/ { metric = $0 ~ /^pcscf_/; shown = metric == (want == "metrics")
                  if (shown) printf(".TP\n.B %s\n", $0); next }
        shown { sub(/^ +/, ""); print }' | plain_text
}

# plain() for lines that may be requests of ours.
plain_text() {
    sed -e '/^\.\(TP\|B\)/!s/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([']\)/\\\\\&\1/"
}

# The annotated configuration as a list of keys: comments above a key explain it.
keys() {
    sed 's/\\/\\e/g; s/-/\\-/g' "$here/../pcscf.yaml" | awk '
        /^ *#/ { line = $0; sub(/^ *# ?/, "", line); above = above line "\n"; next }
        /^ *$/ { above = ""; next }
        /^[^ ].*:$/ { section = $1; sub(/:$/, "", section); sub_section = ""
                      printf(".SS %s\n%s", section, above); above = ""; next }
        /^  [^ ].*:$/ { sub_section = $1; sub(/:$/, ".", sub_section); above = ""; next }
        /:/ {
            key = $1; sub(/:$/, "", key)
            value = $0; sub(/^[^:]*: */, "", value)
            if ($0 !~ /^ /) { section = ""; sub_section = "" }
            else if ($0 !~ /^    /) sub_section = ""
            name = (section == "" ? "" : section ".") sub_section key
            printf(".TP\n.BR %s \" (default: %s)\"\n%s", name, quoted(value), above)
            above = ""
        }
        function quoted(text) { gsub(/"/, "\\(dq", text); return text }'
}

# Fills a template: @WORD@ alone on a line becomes what the function of that name prints.
page() {
    while IFS= read -r line; do
        case $line in
        @HELP@) help_of "$2" ;;
        @METRICS@) explained metrics ;;
        @REASONS@) explained reasons ;;
        @KEYS@) keys ;;
        *) printf '%s\n' "${line//@VERSION@/$version}" ;;
        esac
    done <"$here/$1.in" >"$out/$1"
}

page pcscf.8 pcscf
page pcscfctl.1 pcscfctl
page e2ae-ua.1 e2ae-ua
page pcscf.yaml.5 pcscf
