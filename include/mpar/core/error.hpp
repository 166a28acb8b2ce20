// SPDX-License-Identifier: MIT
// The one exception of the library and its kinds. Knows no rank and prints nothing.
#pragma once

#include <stdexcept>
#include <string>

namespace mpar {

/// What went wrong; the numbers are the programs' exit codes.
enum class fault {
    usage = 2,      ///< the caller asked for what cannot be: a mesh of another size, a bad option
    input = 3,      ///< an image or data set is missing or bad
    model = 4,      ///< weights are missing or bad
    numbers = 5,    ///< NaN or infinity in weights or results
    mpi = 6,        ///< MPI failed or a rank is lost
    device = 7,     ///< a GPU or memory is unavailable
    internal = 70,  ///< a defect of mpar
    no_progress = 86,  ///< a wait on another rank passed its deadline
};

/// Thrown by every operation that fails. Collective operations throw the same one on every rank.
class error : public std::runtime_error {
public:
    error(fault kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}

    fault kind() const noexcept { return kind_; }

private:
    fault kind_;
};

}  // namespace mpar
