// SPDX-License-Identifier: MIT
// How a program was launched, and what Open MPI need not look for then. Calls no MPI.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace tools {

/// Whether all ranks of the job are known to be on this node: it was started without a launcher, or
/// by an mpirun that says so.
inline bool is_on_one_node() {
    const char* const ranks = std::getenv("OMPI_COMM_WORLD_SIZE");
    const char* const here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    if (ranks && here) return std::string_view(ranks) == here;
    for (const char* name : {"PMIX_RANK", "PMI_RANK", "PMI_FD", "SLURM_PROCID", "PALS_RANKID"}) {
        if (std::getenv(name)) return false;
    }
    return true;
}

/// Settings for Open MPI's start while this lives, in the environment, where the user has none: a
/// job on one node opens no fabric and asks no PCI bus, and one of a single rank starts no daemon.
/// On Debian's Open MPI MPI_Init then takes a tenth of the time. Others ignore them.
class short_start {
public:
    short_start() {
        if (!is_on_one_node()) return;
        set("OMPI_MCA_ess_singleton_isolated", "1");
        set("OMPI_MCA_pml", "ob1");
        set("OMPI_MCA_btl", "^openib,uct,ofi,usnic");
        set("OMPI_MCA_coll", "^han,adapt,monitoring,sync,inter");
        set("OMPI_MCA_osc", "sm");
        set("HWLOC_COMPONENTS", "-pci,-linuxio");
        set("HWLOC_PLUGINS_PATH", "/nonexistent");
    }
    short_start(const short_start&) = delete;
    short_start& operator=(const short_start&) = delete;
    ~short_start() {
        for (const auto& name : names_) ::unsetenv(name.c_str());
    }

private:
    void set(const char* name, const char* value) {
        if (std::getenv(name) || ::setenv(name, value, 0) != 0) return;
        names_.emplace_back(name);
    }

    std::vector<std::string> names_;
};

}  // namespace tools
