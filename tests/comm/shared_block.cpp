// SPDX-License-Identifier: MIT
// Memory that ranks of a node map together: zeros at first, one for all, of small and huge pages.
// ranks: 1 2 3
#include "support/catch.hpp"

#include <mpar/comm/all_reduce.hpp>
#include <mpar/comm/shared_block.hpp>

#include <algorithm>
#include <cstdint>

using namespace mpar;

TEST_CASE("a block is zeros, and what one rank writes all read") {
    communicator node(MPI_COMM_WORLD);
    constexpr std::size_t huge = host_memory::huge;
    for (const std::size_t bytes :
         {std::size_t(1), std::size_t(4097), huge / 2 - 1, huge / 2, 2 * huge, 4 * huge + 12345}) {
        CAPTURE(bytes);
        shared_block made(node, bytes);
        shared_block block(std::move(made));
        CHECK(made.data() == nullptr);
        auto* const values = static_cast<unsigned char*>(block.data());
        CHECK(reinterpret_cast<std::uintptr_t>(values) % (bytes < huge / 2 ? 4096 : huge) == 0);
        CHECK(std::all_of(values, values + bytes, [](unsigned char v) { return v == 0; }));
        all_reduce(node, 0, MPI_SUM);
        for (std::size_t i = std::size_t(node.rank()); i < bytes; i += std::size_t(node.size())) {
            values[i] = static_cast<unsigned char>(i * 7 + 1);
        }
        all_reduce(node, 0, MPI_SUM);
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < bytes; ++i) {
            wrong += values[i] != static_cast<unsigned char>(i * 7 + 1);
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("more than the node has is refused on every rank, at once") {
    communicator node(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    for (int i = 0; i < 10; ++i) shared_block(node, std::size_t(1) << 20);
    const double ten_that_fit = MPI_Wtime() - began;
    began = MPI_Wtime();
    try {
        shared_block(node, std::size_t(1) << 46);
        FAIL("64 TiB were given");
    } catch (const error& e) {
        CHECK(e.kind() == fault::device);
    }
    CHECK(MPI_Wtime() - began < 1 + 10 * ten_that_fit);
}
