#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# two_hosts.sh PROGRAM RANKS_PER_HOST [ARGUMENTS]: runs PROGRAM under Open MPI on two hosts that are network namespaces of
# this machine, joined by a veth pair: ranks of one share memory, those of the other are reached by TCP alone. Makes and
# removes all of it. DELAY=1ms or RATE=1gbit in the environment slow the wire down (tc). Needs root; 77: cannot be had here.
set -eu
program=$(realpath "$1")
ranks=$2
shift 2
a=mpar$$a
b=mpar$$b
scratch=$(mktemp -d)

cleanup() {
    for host in "$a" "$b"; do
        ip netns pids "$host" 2>/dev/null | xargs -r kill 2>/dev/null || true
        ip netns del "$host" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 143' TERM INT

skip() {
    echo "two_hosts.sh: $1: skipped"
    exit 77
}

command -v ip >/dev/null || skip 'ip (Debian: iproute2) is not here'
[ "$(id -u)" = 0 ] || skip 'network namespaces need root'
mpirun --version 2>/dev/null | grep -q 'Open MPI' || skip 'mpirun is not of Open MPI'
{ ip netns add "$a" && ip netns add "$b"; } 2>/dev/null || skip 'network namespaces cannot be made here'
{ ip link add "v$$a" netns "$a" type veth peer name "v$$b" netns "$b"; } 2>/dev/null || skip 'no veth pair to be had here'
ip -n "$a" addr add 10.77.0.1/24 dev "v$$a"
ip -n "$b" addr add 10.77.0.2/24 dev "v$$b"
for host in "$a" "$b"; do
    ip -n "$host" link set lo up
    ip -n "$host" link set "v$$${host: -1}" up
    if [ -n "${DELAY-}${RATE-}" ]; then
        tc -n "$host" qdisc add dev "v$$${host: -1}" root netem ${DELAY:+delay "$DELAY"} ${RATE:+rate "$RATE"}
    fi
done

# In place of ssh: the address of a host is its namespace. It has a name of its own, after which Open MPI calls its files.
cat >"$scratch/agent" <<END
#!/bin/sh
case \$1 in 10.77.0.1) host=$a ;; *) host=$b ;; esac
shift
exec ip netns exec \$host unshare --uts sh -c "hostname \$host; \$*"
END
chmod +x "$scratch/agent"

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
status=0
ip netns exec "$a" mpirun -q --oversubscribe --host "10.77.0.1:$ranks,10.77.0.2:$ranks" -n $((2 * ranks)) --map-by slot \
    --mca plm_rsh_agent "$scratch/agent" --mca btl tcp,self,vader --mca btl_tcp_if_include 10.77.0.0/24 \
    --mca oob_tcp_if_include 10.77.0.0/24 --mca mpi_yield_when_idle 1 --bind-to none "$program" "$@" || status=$?
exit $status
