// SPDX-License-Identifier: MIT
// The words of nets beside a program's own: common ones stay the program's.
#include "support/catch.hpp"

#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

namespace {

// What a code of somebody's might have, in its own sense.
int same(int x) { return x; }
int pad(int x) { return x + 1; }
struct step {
    int plan = 2, part = 3;
};
struct plan {};
struct part {};
struct kernel {};
struct view {};
struct tensor {};
struct box {};
struct range {};
struct shape {};
struct layout {};
struct error {};
struct options {};
struct policy {};
struct graph {};
struct node {};
struct stride {};
struct setting {};
struct message {};
struct machine {};
struct outside {};
enum class role { leader };

using namespace mpar::nets;

struct head {
    using layers = chain<global_avg_pool, dense<16, 4>>;
};
struct net {
    using input = image<3, 9, 11>;
    using layers =
        chain<conv2d<3, 8, window<3, 2, same_padding>, shard::rows>, batch_norm<8>, relu,
              residual<chain<conv2d<8, 8, oblong<window_kernel<3, 5>, window_stride<1, 1>>>>>,
              pad2d<padding<1>, fill_edge>, concat<identity, max_pool<window<3, 1, padding<1>>>>,
              head>;
};

}  // namespace

TEST_CASE("a program keeps its own words") {
    const step s;
    CHECK(same(s.plan) + pad(s.part) == 6);
    const auto all = [](auto...) { return true; };
    CHECK(all(plan{}, part{}, kernel{}, view{}, tensor{}, box{}, range{}, shape{}, layout{},
              error{}, options{}, policy{}, graph{}, node{}, stride{}, setting{}, message{},
              machine{}, outside{}, role::leader));
    network<net, mesh<axis::model<1>>> n(MPI_COMM_SELF);
    load_seeded(n);
    CHECK(n.forward(std::vector<float>(3 * 9 * 11, 0.5f)).size() == 4);
}
