# SPDX-License-Identifier: MIT
# For scripts to source: show a command and run it; install what a Debian lacks; let root run MPI.

run() {
    printf '$'
    printf ' %q' "$@"
    printf '\n'
    "$@"
}

# need PACKAGE...: installs those that are missing. Where that cannot be, says so and goes on: the tools may be there all
# the same, from elsewhere.
need() {
    local package missing=() root=()
    if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
        echo "No apt-get here. On Debian 12 these packages would be installed: $*"
        return
    fi
    for package in "$@"; do
        dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Neither root nor sudo. Missing: ${missing[*]}"
            return
        fi
        root=(sudo)
    fi
    run ${root[@]+"${root[@]}"} apt-get update -qq
    run ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${missing[@]}"
}

# Open MPI as root, without a home, and with more ranks than cores.
prepare_mpi() {
    if [ -z "${HOME:-}" ]; then
        mkdir -p build/home
        export HOME=$PWD/build/home  # PMIx and ccache ask for one
    fi
    if [ "$(id -u)" -eq 0 ]; then
        echo 'You are root, which mpirun refuses unless these are set:'
        run export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
    export OMPI_MCA_btl_vader_single_copy_mechanism=none  # containers forbid process_vm_readv
    export OMPI_MCA_odls_base_sigkill_timeout=0  # a failed job's launcher sleeps a second or two else
}

# find_launcher: sets launcher and options for more ranks than cores
find_launcher() {
    launcher=${MPIEXEC:-mpirun}
    options=()
    if "$launcher" --version 2>/dev/null | grep -q -E 'Open MPI|OpenRTE|PRRTE'; then
        options=(-q --oversubscribe)
    fi
}
