// SPDX-License-Identifier: MIT
// Networks asked for what cannot be: every rank throws the same sentence, and later ones work.
// isa: native
// ranks: 1 2 3
#include "models/faults.hpp"

#include <limits>

#include <sys/resource.h>

using namespace mpar;
using namespace faults;

namespace {

template <class Network>
void refused(const std::string& name, fault kind, const std::string& words, const options& o) {
    refused_by_all(name, kind, words, [&] { Network net(MPI_COMM_WORLD, o); });
}

/// 64 GiB, also where the system promises more than it has.
class small_address_space {
public:
    small_address_space() {
        ::getrlimit(RLIMIT_AS, &before_);
        rlimit less = before_;
        less.rlim_cur = std::min<rlim_t>(before_.rlim_max, rlim_t(64) << 30);
        ::setrlimit(RLIMIT_AS, &less);
    }
    small_address_space(const small_address_space&) = delete;
    ~small_address_space() { ::setrlimit(RLIMIT_AS, &before_); }

private:
    rlimit before_{};
};

template <int Ranks>
using fixed = network<tiny, mesh<axis::model<Ranks>>>;

template <int Ranks>
void check_mesh(const std::string& name) {
    const std::string words = "the mesh has " + std::to_string(Ranks) +
                              " ranks on its model axis, the communicator has " +
                              std::to_string(ranks_of());
    if (Ranks != ranks_of()) {
        refused<fixed<Ranks>>(name, fault::usage, words, {.deadline = 20});
    } else {
        fixed<Ranks> net(MPI_COMM_WORLD, {.deadline = 20});
        load_seeded(net);
        CHECK(net.forward(images()) == right_answer());
    }
}

}  // namespace

TEST_CASE("a static mesh on a communicator of another size") {
    check_mesh<4>("four");
    check_mesh<2>("two");
    check_mesh<1>("one");
}

TEST_CASE("a static mesh has the layers' own policies") {
    if (ranks_of() != 2) return;
    for (const auto asked : {policy::none, policy::batch, policy::rows, policy::output}) {
        refused<fixed<2>>("static", fault::usage, "a static mesh has the layers' own policies",
                          {.asked = asked, .deadline = 20});
    }
}

TEST_CASE("batches that are none, or too large for any memory") {
    for (const int batch : {0, -1, std::numeric_limits<int>::min()}) {
        refused<tiny_network>("batch", fault::usage,
                              "a batch has at least one image, not " + std::to_string(batch),
                              {.batch = batch, .deadline = 20});
    }
#if !defined(__SANITIZE_ADDRESS__)  // which ends a process that asks for so much
    const small_address_space limit;
    for (const auto asked : {policy::none, policy::rows, policy::output}) {
        refused<tiny_network>(
            "2^31 - 1 images", fault::device, "of memory are unavailable",
            {.batch = std::numeric_limits<int>::max(), .asked = asked, .deadline = 20});
    }
#endif
}

TEST_CASE("a null communicator") {
    refused_by_all("null", fault::mpi, "the communicator is MPI_COMM_NULL",
                   [] { tiny_network net(MPI_COMM_NULL); });
}

TEST_CASE("forward before load") {
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    for (int i = 0; i < 2; ++i) {
        refused_by_all("forward", fault::usage, "the network has no weights yet: load them first",
                       [&] { net.forward(images()); });
    }
    CHECK(net.measured() == traffic{});
    load_seeded(net);
    CHECK(net.forward(images()) == right_answer());
}

TEST_CASE("images or an output of other extents") {
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    load_seeded(net);
    for (const std::size_t count : {0, 1, 188, 190, 378}) {
        refused_by_all("values", fault::usage,
                       std::to_string(count) + " values given, the network takes 189",
                       [&] { net.forward(std::vector<float>(count)); });
    }
    std::vector<float> x(1000), y(1000);
    const auto given = [&](const shape& in, const shape& out, const std::string& words) {
        refused_by_all(words, fault::usage, words, [&] {
            net.forward(dense_view(std::as_const(x).data(), in), dense_view(y.data(), out));
        });
    };
    const shape in{1, 3, 9, 7}, out{1, 70, 1, 1};
    given({1, 3, 7, 9}, out, "the images given are [1, 3, 7, 9], the network takes [1, 3, 9, 7]");
    given({2, 3, 9, 7}, out, "the images given are [2, 3, 9, 7], the network takes [1, 3, 9, 7]");
    given({1, 3, 0, 7}, out, "the images given are [1, 3, 0, 7], the network takes [1, 3, 9, 7]");
    given({1, 1, 9, 7}, out, "the images given are [1, 1, 9, 7], the network takes [1, 3, 9, 7]");
    given(in, {1, 69, 1, 1}, "the output given are [1, 69, 1, 1], the network takes [1, 70, 1, 1]");
    given(in, {1, 1, 70, 1}, "the output given are [1, 1, 70, 1], the network takes [1, 70, 1, 1]");
    CHECK(net.measured() == traffic{});
    CHECK(net.forward(images()) == right_answer());
}

TEST_CASE("what was refused takes nothing from a network that stands") {
    tiny_network net(MPI_COMM_WORLD, {.deadline = 20});
    load_seeded(net);
    for (int i = 0; i < 20; ++i) {
        refused<tiny_network>("batch", fault::usage, "at least one image", {.batch = 0});
        refused<fixed<4>>("mesh", fault::usage, "the mesh has 4 ranks", {});
    }
    CHECK(net.forward(images()) == right_answer());
}
