// SPDX-License-Identifier: MIT
// compare_tensors A.safetensors B.safetensors: the greatest difference between tensors of one name.
#include "support/program.hpp"

#include <mpar/io/safetensors.hpp>

#include <cmath>
#include <iostream>

namespace {

/// throws: error(model) when a file is bad or the two do not hold the same names and shapes.
double greatest_difference(const std::string& a_path, const std::string& b_path) {
    const auto a = mpar::io::read_safetensors(a_path), b = mpar::io::read_safetensors(b_path);
    const mpar::io::refusal refuse(mpar::fault::model, b_path);
    if (a.tensors().size() != b.tensors().size())
        refuse("holds another number of tensors than " + a_path);
    double greatest = 0;
    for (const auto& tensor : a.tensors()) {
        const auto* other = b.find(tensor.name);
        if (!other || other->shape != tensor.shape)
            refuse("has no tensor '" + tensor.name + "' of that shape");
        const auto x = mpar::io::values_of<double>(tensor), y = mpar::io::values_of<double>(*other);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double difference = x[i] == y[i] ? 0 : std::abs(x[i] - y[i]);
            if (!(difference <= greatest)) greatest = difference;  // NaN wins
        }
    }
    return greatest;
}

}  // namespace

int main(int argc, char** argv) {
    return tools::run(argc, argv, [&](int) {
        if (argc != 3)
            throw mpar::error(mpar::fault::usage,
                              "mpar: compare_tensors takes two safetensors files");
        std::cout << "greatest difference: " << greatest_difference(argv[1], argv[2]) << "\n";
        return 0;
    });
}
