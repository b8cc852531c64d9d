#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# walls.sh: no room of the house includes what it may not know, every source says its license, and
# nothing in the tree points at a place outside of it. Silent when all is well.
set -u

faults=0

# Reads "file:line:text" lines and tells each as a fault of this kind.
tell() {
    local line
    while IFS= read -r line; do
        echo "$line   <- $1"
        faults=$((faults + 1))
    done
}

# deny FOLDER PATTERN WHY [EXCEPT]: no source in FOLDER includes what matches PATTERN.
deny() {
    tell "$3" < <(grep -nP "^\s*#\s*include\s*[<\"]($2)" \
        -r --include='*.[ch]' --exclude="${4:-}" "$1" 2>/dev/null)
}

deny common '(alg|agw|sdp|tests)/' "common/ knows no room above it"
# what the SIP stack of both programs forgets in its TLS library
deny common '(sofia-sip|gnutls|nettle|openssl)/' "common/ knows neither SIP nor TLS" ssl_mend.c
deny sdp '(alg|agw|tests)/' "sdp/ includes common/ only"
deny sdp '(sofia-sip|gnutls|nettle|openssl)/|uv\.h' "sdp/ is pure"
deny agw '(alg|sdp|tests)/' "agw/ includes common/ only"
deny agw 'sofia-sip/' "agw/ knows no SIP"
deny alg 'tests/' "alg/ knows no tests"
deny alg 'agw/(?!agw\.h)' "alg/ includes agw/agw.h only"
# the certificate that the SIP stack shows is read and made there
deny alg '(gnutls|nettle|openssl)/' "alg/ knows no TLS" tls_identity.c
deny tests/ua '(alg|agw)/' "the user agent must not share our bugs"
deny tests/flows '(alg|agw|sdp)/' "flows see processes only"

# All sources of the tree: what git tracks or would track, or without git all outside of build/.
sources() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -co --exclude-standard
    else
        find . -path ./build -prune -o -type f -print | sed 's,^\./,,'
    fi | while IFS= read -r file; do
        [ -f "$file" ] && printf '%s\n' "$file"
    done
}

while IFS= read -r file; do
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later' ||
        tell "has no SPDX line" <<<"$file:1:"
done < <(sources | grep -E '\.(c|h|sh|yaml)$|^Makefile$|^\.ci/')

while IFS= read -r file; do
    tell "a place outside the tree" < <(grep -HnE '(^|[^A-Za-z0-9_.])/(work|home|root|tmp)/' "$file")
done < <(sources | grep -E '\.(c|h|sh|yaml|md)$|^Makefile$|^\.ci/' | grep -vx tests/walls.sh)

[ "$faults" -eq 0 ] || {
    echo "walls: $faults faults" >&2
    exit 1
}
