// SPDX-License-Identifier: MIT
// Halos over a slow network hide behind the middles of the layers: by the clock.
// program: own
// ranks: 2
// label: long
// sanitize: no
#include <mpar/mpar.hpp>
#include <mpar/models/seeded.hpp>

#include <support/catch.hpp>
#include <support/delayed_messages.hpp>

using namespace mpar;

namespace {

struct body {
    using layers = chain<conv2d<64, 64, window<3>>, relu>;
};
/// Halos alone: each layer reads its neighbours' edges of the one before. So many that what has no message
/// to hide - the images' way in, the pool at the end and its gathering - is a few percent of the work.
struct deep {
    using input = image<64, 192, 192>;
    using layers = chain<repeat<20, body>, max_pool<window<32, 32, pad<0>>>>;
};

double timed(network<deep>& net, const view<const float>& x, const view<float>& y) {
    all_reduce(net.comm(), 0, MPI_SUM);
    const double began = MPI_Wtime();
    net.forward(x, y);
    return double(all_reduce(net.comm(), long((MPI_Wtime() - began) * 1e9), MPI_MAX)) * 1e-9;
}

}  // namespace

TEST_CASE("halos that travel slowly hide behind work") {
    const auto asked = GENERATE(policy::rows, policy::cols);
    const bool exact = GENERATE(false, true);
    network<deep> net(MPI_COMM_WORLD, {.asked = asked, .exact = exact, .team = teaming::off});
    load_seeded(net);
    const shape in = net.input_box().extents(), out = net.output_shape();
    std::vector<float> x(std::size_t(in.count()), 0.5f), y(std::size_t(out.count()));
    const auto least = [&] {
        double best = 1e9;
        for (int i = 0; i < 8; ++i) {
            best = std::min(best, timed(net, dense_view(x.data(), in), dense_view(y.data(), out)));
        }
        return best;
    };
    long bytes = 0, messages = 0;
    for (const auto& e : net.mine().exchanges) {
        for (const auto& m : e.receives) {
            bytes += message_bytes(m.what, net.mine().of);
            messages += e.overlapped;
        }
    }
    REQUIRE(messages >= 19);
    delayed::set(0, 0);
    timed(net, dense_view(x.data(), in), dense_view(y.data(), out));
    const double work = least();
    for (const double share : {0.4, 0.9, 1.5}) {  // of the time of the work
        const double network = share * work;
        delayed::set(0.5 * network / double(messages + 1), 0.5 * network / double(bytes));
        const double together = least();
        CAPTURE(name_of(asked), exact, share, work, network, together);
        CHECK(together >= 0.98 * network);
        CHECK(together <= 1.10 * std::max(work, network));
    }
}
