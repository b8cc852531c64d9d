#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh BUILD_DIRECTORY: measures what was built there and prints tables, in less than seven
# minutes. BENCH_TURNS (default 5) is how often each pair of measurements is repeated,
# BENCH_FILE_MIB (default 256) the length of the file that goes through MSRP. TLS is measured beside
# haproxy, nginx and stunnel as far as they are installed.
set -eu

"$1/bench/bench_pcscf" "$1" "${BENCH_TURNS:-5}"
"$1/bench/bench_rtp" "$1" "${BENCH_TURNS:-5}"
"$1/bench/bench_tls" "$1" "${BENCH_TURNS:-5}"
