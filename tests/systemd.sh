#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# systemd.sh BUILD PACKAGE: the package under a systemd of its own, which is process 1 of its
# namespaces and sees this machine's files through an overlay: nothing that happens there stays.
# Installs the package, starts the unit, reads the configuration again, lets the watchdog bite, stops
# it. Where the machine cannot (not root, no systemd, no namespaces) it says so and checks what can
# be checked without. Ends with "N passed, N failed".
set -u

build=$1
package=$(realpath "$2")
. tests/verdict.sh
unit=configs/systemd/pcscf.service
work=$PWD/$build/systemd
cgroup= boot=

# --- without a systemd that runs ----------------------------------------------------------------

# Exposure as "systemd-analyze security" counts it, in tenths; 20 is what still is "OK".
EXPOSURE_MAX=20
exposure() {
    systemd-analyze security --offline=true "$unit" 2>/dev/null |
        sed -n 's/.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

skip() {
    echo "  skipped: the unit under systemd: $1"
    verdicts
    exit
}

command -v systemd-analyze >/dev/null || {
    echo "  skipped: the unit under systemd: there is none here"
    echo "1 passed, 0 failed"
    exit
}
check "the unit shuts itself off" test "$(exposure)" -le "$EXPOSURE_MAX"

# --- up -----------------------------------------------------------------------------------------

[ "$(id -u)" -eq 0 ] || skip "not root"
[ -x /lib/systemd/systemd ] || skip "systemd is not installed"
hierarchy=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
[ -n "$hierarchy" ] || skip "no cgroup2 here"

# Runs as process 1: makes the tree, steps into it, becomes systemd.
boot() {
    set -e
    mount -t tmpfs tmpfs "$work"
    mkdir "$work"/{upper,scratch,root}
    mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" overlay "$work/root"
    cd "$work/root"
    mount -t proc proc proc
    mount --bind -o ro proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t tmpfs tmpfs sys/fs/cgroup
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs dev
    for node in null zero full random urandom tty; do
        : >"dev/$node"
        mount --bind "/dev/$node" "dev/$node"
    done
    mkdir dev/shm dev/pts dev/mqueue
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    for folder in run tmp var/tmp; do
        mount -t tmpfs -o mode=1777 tmpfs "$folder"
    done
    mkdir run/old
    cp "$package" mnt/pcscf.deb
    chroot . dpkg --force-depends --no-triggers --install /mnt/pcscf.deb
    mkdir run/units
    for name in pcscf.service systemd-journald.service systemd-journald.socket; do
        ln -s "/usr/lib/systemd/system/$name" run/units/
    done
    for name in default sysinit basic shutdown network-online; do
        printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' "$name" >"run/units/$name.target"
    done
    echo 'Wants=systemd-journald.service' >>run/units/sysinit.target
    pivot_root . run/old
    umount -l /run/old
    exec env -i container=test PATH=/usr/sbin:/usr/bin SYSTEMD_UNIT_PATH=/run/units \
        SYSTEMD_GENERATOR_PATH=/nonexistent /lib/systemd/systemd --log-target=journal
}

# cgroups that were made go, the deepest first; processes of them are gone by then.
down() {
    [ -n "$boot" ] && kill -KILL "$boot" 2>/dev/null && wait "$boot" 2>/dev/null
    for _ in $(seq 50); do
        [ -z "$cgroup" ] && break
        find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
        [ ! -d "$cgroup" ] && break
        sleep 0.1
    done
    rmdir "$work" 2>/dev/null
}

mkdir -p "$work"
cgroup=$hierarchy$(sed -n 's/^0:://p' /proc/self/cgroup)/pcscf-check-$$
cgroup=${cgroup//\/\//\/}
mkdir "$cgroup" 2>/dev/null || { cgroup=; skip "no cgroup can be made"; }
trap down EXIT
export -f boot
export work package
(
    echo "$BASHPID" >"$cgroup/cgroup.procs" || exit 1
    exec unshare --mount --pid --fork --kill-child --cgroup --net --uts --ipc \
        bash -c boot >"$build/systemd.log" 2>&1 </dev/null
) &
boot=$!

# Process 1 of it, as seen from here.
first() {
    pgrep -P "$boot" | head -n 1
}

# inside COMMAND...: runs it under that systemd.
inside() {
    nsenter -t "$(first)" -m -p -n -u -i -C -r -w env -i PATH=/usr/sbin:/usr/bin timeout 20 "$@"
}

# A command line with the functions of this script, for check and until_it.
shell() {
    eval "$*"
}

# until_it COMMAND...: within ten seconds.
until_it() {
    for _ in $(seq 100); do
        "$@" >/dev/null 2>&1 && return 0
        kill -0 "$boot" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

until_it shell 'inside systemctl is-system-running 2>/dev/null | grep -qE "running|degraded"' ||
    skip "it does not start here ($(tail -n 1 "$build/systemd.log"))"

# --- the unit -----------------------------------------------------------------------------------

property() {
    inside systemctl show -P "$1" pcscf.service
}

journal() {
    inside journalctl -q --no-pager -o cat -u pcscf.service "$@"
}

# says WHAT: the journal of the unit, soon.
says() {
    until_it shell "journal | grep -q -- '$*'"
}

check "the user is made" inside getent passwd pcscf
check "the configuration is read by its group alone" \
    test "$(inside stat -c %U:%G:%a /etc/pcscf/pcscf.yaml)" = root:pcscf:640
check "the unit has no fault" inside systemd-analyze verify --man=no pcscf.service
check "it starts, and is ready when it says so" inside systemctl start pcscf.service
check "it is active" test "$(property ActiveState)" = active
check "it tells its state" test "$(property StatusText)" = Serving
check "the log is in the journal" says "pcscf: ready"
check "each line has its priority" test "$(journal -p warning | grep -c ready)" = 0
check "it runs as its user" test "$(inside ps -o user= -p "$(property MainPID)")" = pcscf
check "pcscfctl sees it" inside pcscfctl show

# A call through all that is shut off: sockets, keys, threads, and files where it may write. Written
# by root, read by the group.
inside bash -c 'cat >/etc/pcscf/pcscf.yaml' <<'END'
trace: {directory: charts}
capture: {directory: captures, keys: true, plaintext: true}
registration: {store: registrations}
agw: {keylog: keys}
END
check "folders for it" inside install -d -o pcscf -m 0700 /var/lib/pcscf/charts /var/lib/pcscf/captures
check "it starts again" inside systemctl restart pcscf.service
inside e2ae-ua --side core --listen 127.0.0.1:5080 --answer --media echo >"$build/systemd-core.log" &
until_it grep -q '^ready' "$build/systemd-core.log"
check "a secured call" inside e2ae-ua --side ue --listen 127.0.0.1:5062 --proxy 127.0.0.1:5060 \
    --call sip:fax@127.0.0.1:5080 --media count --datagrams 20 --hangup-after media
until_it inside bash -c 'ls /var/lib/pcscf/charts/*.txt'
check "what it wrote" inside bash -c 'cd /var/lib/pcscf && ls charts/*.txt captures/*.pcapng keys'
check "for itself alone" test -z "$(inside find /var/lib/pcscf/ -type f -perm /077)"

# --- reload -------------------------------------------------------------------------------------

inside bash -c 'echo "log: {level: debug}" >>/etc/pcscf/pcscf.yaml'
check "it reloads" inside systemctl reload pcscf.service
check "what changed counts" until_it shell "inside pcscfctl show | grep -q 'log level *debug'"
inside bash -c 'echo "nonsense: true" >>/etc/pcscf/pcscf.yaml'
check "a mistake does not end it" inside systemctl reload pcscf.service
check "and is told" says 'all stays as it was.*nonsense'
check "in its state too" test -n "$(property StatusText | grep 'refused: .*nonsense')"
check "it is still active" test "$(property ActiveState)" = active
inside bash -c 'echo "log: {level: info}" >/etc/pcscf/pcscf.yaml'

# --- watchdog, failure, stop --------------------------------------------------------------------

inside bash -c 'mkdir -p /run/units/pcscf.service.d
    printf "[Service]\nWatchdogSec=1\nRestartSec=0.1\n" >/run/units/pcscf.service.d/test.conf
    systemctl daemon-reload && systemctl restart pcscf.service'
pid=$(property MainPID)
sleep 1.5
check "alive for the watchdog" test "$(property MainPID)" = "$pid" -a "$pid" -gt 1
[ "$pid" -gt 1 ] && inside kill -STOP "$pid"
check "who hangs is ended and started again" until_it shell '[ $(property NRestarts) = 1 ] &&
    [ $(property ActiveState) = active ]'
check "it stops" inside systemctl stop pcscf.service
check "of its own will" test "$(property Result):$(property ExecMainStatus)" = success:0
inside bash -c 'echo "nonsense: true" >/etc/pcscf/pcscf.yaml'
check "a bad configuration does not start" test "$(inside systemctl start pcscf.service 2>&1 |
    grep -c failed)" = 1
check "nor is it tried again" test "$(property NRestarts):$(property ActiveState)" = 0:failed
check "and the journal says why" says 'pcscf.yaml:1: nonsense'

verdicts
