// SPDX-License-Identifier: MIT
// MPI's return codes as exceptions. Knows no communicator.
#pragma once

#include <mpar/core/error.hpp>

#include <mpi.h>

#include <string>

namespace mpar {

/// throws: error(mpi) with MPI's own words when `code`, which `call` returned, is no success.
inline void check(int code, const char* call) {
    if (code == MPI_SUCCESS) return;
    char words[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(code, words, &length);
    throw error(fault::mpi, std::string("mpar: ") + call + ": " + std::string(words, length));
}

}  // namespace mpar
