// SPDX-License-Identifier: MIT
// The cores that this process may use. Knows no thread.
#pragma once

#include <sched.h>

#include <algorithm>

namespace mpar {

/// How many cores the launcher, or whoever set this process's affinity, has left to it.
inline int cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return std::max(1, CPU_COUNT(&set));
}

}  // namespace mpar
