// SPDX-License-Identifier: MIT
// Exchanges of a device whose kernels run late: the host waits for what is packed, and for nothing
// that is submitted later.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/deferred_backend.hpp"

#include <mpar/layers/activations.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/net/graph/walk.hpp>
#include <mpar/net/place/partition.hpp>
#include <mpar/net/plan/lower.hpp>
#include <mpar/net/run/transfer.hpp>

#include <vector>

using namespace mpar;
using mpar_test::deferred;

namespace {

struct rows {
    using input = image<8, 36, 12>;
    using layers = chain<conv2d<8, 8, window<3>, shard::rows>, relu,
                         conv2d<8, 8, window<5, 1, pad<2>>, shard::rows>>;
};

/// One tensor of a plan in device memory, of which a rank has what it owns.
class device_tensor {
public:
    explicit device_tensor(const tensor_part& t) : part_(t) {
        const auto count = std::size_t(storage(t.held.extents(), t.block));
        host_ = buffer<float>(count);
        device_ = buffer<float, deferred::memory>(count);
    }

    view<float> whole() { return dense_view(device_.data(), part_.held.extents(), part_.block); }

    /// Numbers that tell where an element lies, in `b`; nothing elsewhere.
    void fill(deferred::queue& queue, const box& b) {
        for (std::size_t i = 0; i < host_.size(); ++i) host_.data()[i] = -1;
        each(b, [](float& value, float expected) { value = expected; });
        queue.copy_to_device(device_.data(), host_.data(), host_.bytes());
    }
    void fetch(deferred::queue& queue) {
        queue.copy_to_host(host_.data(), device_.data(), host_.bytes());
    }
    bool holds(const box& b) {
        bool all = true;
        each(b, [&](float& value, float expected) { all = all && value == expected; });
        return all;
    }

private:
    template <class Visit>
    void each(const box& b, Visit visit) {
        const auto here = dense_view(host_.data(), part_.held.extents(), part_.block);
        const box& held = part_.held;
        for (int n = b.n.lo; n < b.n.hi; ++n)
            for (int c = b.c.lo; c < b.c.hi; ++c)
                for (int h = b.h.lo; h < b.h.hi; ++h)
                    for (int w = b.w.lo; w < b.w.hi; ++w)
                        visit(here(n - held.n.lo, c - held.c.lo, h - held.h.lo, w - held.w.lo),
                              float(((n * 8 + c) * 100 + h) * 100 + w));
    }

    tensor_part part_;
    buffer<float> host_;
    buffer<float, deferred::memory> device_;
};

std::string doing() { return "test"; }

/// The exchange of a halo between the two layers, as this rank has it.
struct between_layers {
    communicator comm{MPI_COMM_WORLD, seconds(60)};
    lowered net = lower(graph_of<rows>, rows::input::extents, policy::none);
    part mine = partition(net.view(), setting_on<deferred, float>({comm.rank(), comm.size()}, 2));
    deferred::queue queue;

    /// The index of the halo, or -1.
    int halo() const {
        for (std::size_t e = 0; e < mine.exchanges.size(); ++e) {
            if (mine.exchanges[e].name == transition::halo) return int(e);
        }
        return -1;
    }
};

}  // namespace

TEST_CASE("what is submitted behind an exchange is not waited for", "[transfer]") {
    between_layers all;
    if (all.comm.size() == 1) return;
    REQUIRE(all.halo() >= 0);
    const auto e = std::size_t(all.halo());
    const tensor_part& t = all.mine.tensors[std::size_t(all.mine.exchanges[e].tensor)];
    transfer<deferred, float> exchanges(all.comm, all.mine);
    auto& queue = all.queue;
    for (const long pace : {0L, 1L}) {
        for (int again = 0; again < 3; ++again) {
            CAPTURE(pace, again);
            deferred::queue::pace() = pace;
            const long finishes = deferred::queue::finishes();
            device_tensor x(t);
            x.fill(queue, t.owned);
            bool later = false;
            exchanges.start(queue, e, x.whole(), t.held);
            queue.submit([&] { later = true; });
            CHECK(queue.waiting() >= 1);
            CHECK_FALSE(later);
            if (pace) {
                while (!exchanges.is_done(e)) continue;
                CHECK_FALSE(later);
            } else {
                CHECK_FALSE(exchanges.is_done(e));  // nothing is packed before somebody waits
            }
            exchanges.finish(queue, e, x.whole(), t.held, doing);
            CHECK_FALSE(later);
            CHECK(queue.waiting() >= 1);
            CHECK(deferred::queue::finishes() == finishes);
            x.fetch(queue);
            queue.finish();
            CHECK(later);
            CHECK(x.holds(t.inside));
        }
    }
    deferred::queue::pace() = 0;
}

TEST_CASE("a queue waits for another's event, and the host for neither", "[transfer]") {
    deferred::queue first, second;
    std::vector<int> order;
    deferred::queue::event done;
    CHECK(done.is_done());
    first.submit([&] { order.push_back(1); });
    first.record(done);
    first.submit([&] { order.push_back(9); });
    second.submit([&] { order.push_back(0); });
    second.wait(done);
    second.submit([&] { order.push_back(2); });
    CHECK_FALSE(done.is_done());
    CHECK(order.empty());
    second.finish();
    CHECK(order == std::vector{0, 1, 2});
    CHECK(done.is_done());
    CHECK(first.waiting() == 1);
    first.finish();
}
