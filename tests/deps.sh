#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# deps.sh PACKAGE...: installs the Debian packages that this machine does not have.
# Silent and quick when nothing is missing; needs nothing but a shell, dpkg and apt. Services that
# come with a package are not started: tests start what they need, on ports of their own.
set -eu

missing=
for package in "$@"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "deps: missing packages, and neither root nor sudo to install them:$missing" >&2
        exit 1
    }
    root=sudo
fi

echo "deps: installing$missing"
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] && policy=
finish() {
    rm -f "$log"
    [ -z "$policy" ] || $root rm -f "$policy"
}
trap finish EXIT
[ -z "$policy" ] || {
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
    $root chmod 755 "$policy"
}
# The package lists of a fresh machine are often empty or old: look first, then ask for new ones.
# $missing is a list of words on purpose.
# shellcheck disable=SC2086
install() {
    $root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1 </dev/null
}
install && exit 0
$root env DEBIAN_FRONTEND=noninteractive apt-get update -q >"$log" 2>&1 </dev/null || true
install && exit 0
tail -n 15 "$log" >&2
echo "deps: apt-get could not install$missing" >&2
exit 1
