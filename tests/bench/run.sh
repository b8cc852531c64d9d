#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh BUILD_DIRECTORY: measures what was built there and prints one table, in less than five
# minutes. BENCH_TURNS (default 5) is how often each pair of measurements is repeated.
set -eu

exec "$1/bench/bench_pcscf" "$1" "${BENCH_TURNS:-5}"
