#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# make.sh BUILD STAGE VERSION: makes BUILD/pcscf_VERSION_ARCH.deb of what "make install" has put
# into STAGE (PREFIX=/usr). Dependencies are what the programs are linked with.
set -eu

build=$1
stage=$2
version=$3
here=$(dirname "$0")
arch=$(dpkg --print-architecture)
package=$build/pcscf_${version}_$arch.deb

# A Debian package has its configuration in /etc.
install -d -m 0755 "$stage/etc/pcscf" "$stage/usr/share/doc/pcscf" "$stage/DEBIAN"
mv "$stage/usr/share/pcscf/pcscf.yaml" "$stage/etc/pcscf/pcscf.yaml"
chmod 0640 "$stage/etc/pcscf/pcscf.yaml"
install -m 0644 "$here/copyright" "$stage/usr/share/doc/pcscf/copyright"
install -m 0755 "$here/postinst" "$here/prerm" "$here/postrm" "$stage/DEBIAN/"
echo /etc/pcscf/pcscf.yaml >"$stage/DEBIAN/conffiles"
gzip -9nf "$stage"/usr/share/man/man?/*.[158]
strip --strip-unneeded "$stage/usr/sbin/pcscf" "$stage/usr/bin/pcscfctl" "$stage/usr/bin/e2ae-ua"

# dpkg-shlibdeps wants to stand in a source package.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/debian"
: >"$work/debian/control"
top=$(realpath "$stage")
depends=$(cd "$work" && dpkg-shlibdeps -O "$top/usr/sbin/pcscf" "$top/usr/bin/pcscfctl" \
    "$top/usr/bin/e2ae-ua" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || {
    echo "deb: dpkg-shlibdeps does not say what the programs need" >&2
    exit 1
}

size=$(du -sk --exclude=DEBIAN "$stage" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" \
    -e "s/@DEPENDS@/$depends/" "$here/control.in" >"$stage/DEBIAN/control"
dpkg-deb --root-owner-group --build "$stage" "$package" >/dev/null
echo "$package"
