#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# start.sh: the P-CSCF of the Open5GS lab, as the only program of its container. Takes the names that
# lab's .env uses, each with its default there: PCSCF_IP, ICSCF_IP, SCSCF_IP, MCC, MNC; and UPF_IP with
# UE_IPV4_IMS, where phones are reached. ADVERTISE_IP: the docker host, for soft phones outside of its
# network, with the ports of access published. PCSCF and OUT: the program, and where its configuration goes.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
pcscf_ip=${PCSCF_IP:-172.22.0.21}
icscf_ip=${ICSCF_IP:-172.22.0.19}
scscf_ip=${SCSCF_IP:-172.22.0.20}
mcc=${MCC:-001}
mnc=${MNC:-01}
advertise=${ADVERTISE_IP:-}
out=${OUT:-/run}

# a code of two digits is written with three in the domain (TS 23.003 13.2)
[ ${#mnc} -eq 3 ] || mnc=0$mnc
if [ -n "${UPF_IP:-}" ] && [ -n "${UE_IPV4_IMS:-}" ]; then
    ip route replace "$UE_IPV4_IMS" via "$UPF_IP"
fi
sed -e "s/172\.22\.0\.21/$pcscf_ip/; s/172\.22\.0\.19/$icscf_ip/; s/172\.22\.0\.20/$scscf_ip/" \
    -e "s/ims\.mnc001\.mcc001\./ims.mnc$mnc.mcc$mcc./" \
    -e "/^access:/,/^core:/ s/  advertise: .*/  advertise: \"$advertise\"/" \
    -e "/^access:/,/^core:/ s/media_advertise: .*/media_advertise: [${advertise:+\"$advertise\"}]/" \
    "$here/pcscf.yaml" >"$out/pcscf.yaml"
exec "${PCSCF:-/usr/sbin/pcscf}" --config "$out/pcscf.yaml"
