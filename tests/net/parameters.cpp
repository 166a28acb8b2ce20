// SPDX-License-Identifier: MIT
// Parameters as tensors of the plan: layouts by hand, each rank's boxes for all ranks at once, and
// weights that are packed anew from what is kept.
// ranks: 1 2 3 4
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "support/random_graph.hpp"
#include "support/run_graph.hpp"

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/models/densenet.hpp>
#include <mpar/models/efficientnet_lite.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/graph/walk.hpp>
#include <mpar/net/place/partition.hpp>

#include <cstring>
#include <string>
#include <vector>

using namespace mpar;

namespace {

constexpr mesh_axis all_axes[] = {mesh_axis::data, mesh_axis::first, mesh_axis::second};

/// Whether two seats differ along axes only on which copies of the tensor lie.
bool have_copies(const layout& where, const seat& a, const seat& b) {
    for (const auto axis : all_axes) {
        if (!where.is_copied_along(axis) && a.place(axis) != b.place(axis)) return false;
    }
    return true;
}
/// Whether they differ only along axes that cut it.
bool share_one(const layout& where, const seat& a, const seat& b) {
    for (const auto axis : all_axes) {
        if (where.is_copied_along(axis) && a.place(axis) != b.place(axis)) return false;
    }
    return true;
}

/// Along the axes that cut a parameter the ranks' boxes are the whole, each element once; along the
/// others they are equal.
void check_tiles(const parameter& p, int index, const seat& who, const std::vector<part>& parts) {
    const auto box_of = [&](int rank) -> const box& {
        return parts[std::size_t(rank)].parameters[std::size_t(index)].owned;
    };
    for (int r = 0; r < who.ranks; ++r) {
        long elements = 0;
        for (int q = 0; q < who.ranks; ++q) {
            if (have_copies(p.where, who.at(r), who.at(q))) CHECK(box_of(q) == box_of(r));
            if (!share_one(p.where, who.at(r), who.at(q))) continue;
            elements += box_of(q).count();
            if (q != r) CHECK(intersection(box_of(q), box_of(r)).empty());
        }
        CHECK(elements == p.count());
    }
}

/// A rank has what its steps compute with, and nothing more of what one step alone takes.
void check_steps(const plan& p, const part& mine) {
    std::vector<bool> taken(p.parameters.size());
    for (std::size_t i = 0; i < p.steps.size(); ++i) {
        const auto& own = mine.steps[i];
        if (own.y.empty()) continue;
        const step& s = p.steps[i];
        const bool begins = s.y >= 0 && !p.tensors[std::size_t(s.y)].where.partial.empty();
        p.for_each_parameter(s, [&](int index) {
            taken[std::size_t(index)] = true;
            const parameter& q = p.parameters[std::size_t(index)];
            const box& b = mine.parameters[std::size_t(index)].owned;
            const bool is_shared =
                multiplies(q.is) && q.is != role::filters && (begins || traits_of(s.what).ends_sum);
            const range rows = q.rows == cut_as::outputs ? own.y.c : range{0, q.extents[0]};
            CHECK(b.n.contains(rows));
            CHECK((is_shared || b.n == rows));
            if (q.is != role::filters) {
                CHECK(b.c == range{0, q.as_shape().c});
                return;
            }
            const convolution problem = problem_of(s.what, own.x.c, own.y, own.tile);
            CHECK(b.n == problem.out_channels);
            if (problem.groups == 1) CHECK(b.c == problem.in_channels);
            if (problem.groups > 1) CHECK(b.c == range{0, problem.in_per_group()});
            range leaves;
            for (const range& l : own.leaves) leaves = hull(leaves, l);
            if (begins) CHECK(b.c == leaves);
        });
    }
    for (std::size_t i = 0; i < taken.size(); ++i) CHECK(mine.parameters[i].needed == taken[i]);
}

/// No axis cuts both a filter and what its gradient would be a sum over: the images, rows and
/// columns of the output.
void check_gradients(const plan& p) {
    for (const step& s : p.steps) {
        if (s.weights < 0) continue;
        const layout& y = p.tensors[std::size_t(s.y)].where;
        p.for_each_parameter(s, [&](int index) {
            const layout& where = p.parameters[std::size_t(index)].where;
            CHECK(where.stage == y.stage);
            for (const auto a : all_axes) {
                const bool sums = y.n.has(a) || y.h.has(a) || y.w.has(a);
                CHECK_FALSE((sums && (where.n.has(a) || where.c.has(a))));
            }
        });
    }
}

void check_all(const plan& p, const seat& mesh, int block, bool reproducible) {
    std::vector<part> parts;
    for (int r = 0; r < mesh.ranks; ++r) {
        setting s{mesh.at(r), 2, block, dtype::f32};
        s.reproducible = reproducible;
        parts.push_back(partition(p, s));
    }
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        INFO("parameter " << i << ", " << p.parameters[i].suffix);
        check_tiles(p.parameters[i], int(i), mesh, parts);
    }
    for (const auto& mine : parts) check_steps(p, mine);
    check_gradients(p);
}

constexpr seat meshes[] = {{0, 1}, {0, 2},    {0, 3},       {0, 4},
                           {0, 6}, {0, 4, 2}, {0, 6, 3, 2}, {0, 6, 1, 3}};

template <class Net>
void check_every_policy(const char* name) {
    for (const auto asked : {policy::none, policy::batch, policy::rows, policy::cols, policy::tiles,
                             policy::output, policy::input, policy::grid, policy::stage}) {
        const lowered l = lower(graph_of<Net>, Net::input::extents, policy::none, asked);
        REQUIRE_FALSE(l.wrong);
        for (const seat& mesh : meshes) {
            INFO(name << ", policy " << name_of(asked) << ", " << mesh.ranks << " ranks, data axis "
                      << mesh.data);
            check_all(l.view(), mesh, 16, mesh.ranks % 3 == 0);
        }
    }
}

/// The parameters of a convolution with a norm behind it, as they lie when it is asked for a
/// policy.
std::vector<layout> layouts_of(const placing& asked, const placing& then) {
    dynamic_graph g;
    g.add_next(conv2d<64, 96, window<3>>::describe().placed(asked));
    g.add_next(batch_norm<96>::describe());
    g.add_next(conv2d<96, 32, window<3>>::describe().placed(then));
    const auto own = unplanned(g.view());
    const lowered l = lower(g.view(), {1, 64, 14, 14}, policy::none, std::span<const placing>(own));
    REQUIRE_FALSE(l.wrong);
    std::vector<layout> all;
    for (std::size_t i = 0; i < 5; ++i) all.push_back(l.parameters[i].where);
    return all;
}
layout cut(const axes& rows, const axes& columns = {}) {
    layout l = layout::everywhere;
    l.n = rows;
    l.c = columns;
    return l;
}

/// A network of a graph, and one forward.
template <class Backend>
struct loaded {
    engine<Backend, float> net;
    std::vector<float> images, y;
    shape all;

    loaded(MPI_Comm comm, const lowered& l, const options& o)
        : net(communicator(comm, seconds(60)), l.view(), o), all(l.view().input().extents) {
        all.n = o.batch;
        const std::int64_t extents[] = {all.n, all.c, all.h, all.w};
        images = io::seeded_values<float>("input", extents);
        y.resize(std::size_t(net.output_shape().count()));
    }
    std::vector<float> forward() {
        net.forward(dense_view(std::as_const(images).data(), all).part(net.input_box()),
                    dense_view(y.data(), net.output_shape()), {});
        return y;
    }
    std::vector<std::byte> packed() {
        const auto bytes = net.packed().bytes;
        return {bytes.begin(), bytes.end()};
    }
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}
float changed(float value) { return value * 0.5f + 0.25f; }

void check_packed_again(const lowered& l, const options& o) {
    const seeded_reader<float> read(l.view(), {});
    const auto read_changed = [&](int i, range rows, float* out) {
        read(i, rows, out);
        const auto& p = l.parameters[std::size_t(i)];
        const long count = p.count() / p.extents[0] * rows.size();
        for (long k = 0; k < count; ++k) out[k] = changed(out[k]);
    };
    loaded<backend::cpu> fresh(MPI_COMM_WORLD, l, o), kept(MPI_COMM_WORLD, l, o);
    fresh.net.load(read);
    CHECK(fresh.net.kept() == nullptr);
    kept.net.store(read);
    REQUIRE(kept.net.kept() != nullptr);
    CHECK((kept.packed() == fresh.packed()));
    CHECK(same_bits(kept.forward(), fresh.forward()));
    kept.net.pack();
    CHECK((kept.packed() == fresh.packed()));

    MPI_Barrier(
        MPI_COMM_WORLD);  // others may still compare the weights that they share with this one
    fresh.net.load(parameter_reader<float>(read_changed));
    const auto& sharers = kept.net.sharers();
    for (int i = 0; i < int(l.parameters.size()); ++i) {  // one of them a parameter
        if (i % sharers.members() != sharers.member()) continue;
        const auto values = kept.net.kept()->values(i);
        CHECK(values.extents == kept.net.kept()->owned(i).extents());
        for (long k = 0; k < values.extents.count(); ++k) {
            values.data[k] = changed(values.data[k]);
        }
    }
    kept.net.pack();
    CHECK((kept.packed() == fresh.packed()));
    CHECK(same_bits(kept.forward(), fresh.forward()));
}

}  // namespace

TEST_CASE("parameters lie as their step is cut") {
    const axes both = model_axes;
    const placing none = policy::none;
    // filters, then a norm's weight, bias, mean and variance
    for (const auto p : {policy::none, policy::batch, policy::rows, policy::cols, policy::tiles}) {
        CHECK(layouts_of(p, none) == std::vector<layout>(5, layout::everywhere));
    }
    CHECK(layouts_of(policy::output, none) == std::vector<layout>(5, cut(both)));
    CHECK(layouts_of(policy::input, none) ==
          std::vector{cut({}, both), cut({}), cut(both), cut(both), cut({})});
    const axes second = mesh_axis::second, given = second.then(mesh_axis::first);
    CHECK(layouts_of(policy::grid, none) == std::vector{cut(second, mesh_axis::first), cut(second),
                                                        cut(given), cut(given), cut(second)});
    // a sum that goes straight to tiles is shifted there, on all channels
    CHECK(layouts_of(policy::grid, policy::tiles) ==
          std::vector{cut(second, mesh_axis::first), cut({}), cut({}), cut({}), cut({})});
    layout stage = layout::everywhere;
    stage.stage = 1;
    stage.stages = 2;
    CHECK(layouts_of({policy::stage, 1}, none) == std::vector<layout>(5, stage));
}

TEST_CASE("names of layouts of parameters and of tensors") {
    CHECK(name_of(cut(mesh_axis::second)) == "shard<N>");
    CHECK(name_of(cut({})) == "replicate");
    CHECK(name_of(layout::replicate) == "replicate");
    CHECK_FALSE(cut(mesh_axis::second).is_whole());
    CHECK(layout::replicate.is_whole());
    CHECK(model_axes.common(mesh_axis::first) == axes(mesh_axis::first));
    CHECK(model_axes.common(mesh_axis::second).empty());
    CHECK(model_axes.common(model_axes) == model_axes);
}

TEST_CASE("boxes of parameters: known nets, every policy") {
    int rank = 0, size = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const auto mine = [&](int i) { return i % size == rank; };  // no messages: ranks divide them
    if (mine(0)) check_every_policy<resnet50>("resnet50");
    if (mine(1)) check_every_policy<densenet121>("densenet121");
    if (mine(2)) check_every_policy<efficientnet_lite0>("efficientnet_lite0");
}

TEST_CASE("boxes of parameters: nets drawn from a seed") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(40)); ++seed) {
        const mpar_test::random_graph net(seed + 50000u, true);
        for (const auto asked : {std::optional<policy>{}, std::optional(policy::output),
                                 std::optional(policy::input), std::optional(policy::grid)}) {
            const lowered l = net.lower(asked);
            REQUIRE_FALSE(l.wrong);
            INFO("seed " << seed << ": " << net.text());
            for (const seat& mesh : meshes) check_all(l.view(), mesh, seed % 2 ? 8 : 16, seed % 3);
        }
    }
}

TEST_CASE("weights are packed again from what is kept") {
    for (unsigned seed = 0; seed < unsigned(mpar_test::effort(12)); ++seed) {
        const mpar_test::random_graph net(seed + 51000u, true);
        for (const auto asked : {std::optional<policy>{}, std::optional(policy::output),
                                 std::optional(policy::input), std::optional(policy::grid)}) {
            const lowered l = net.lower(asked);
            INFO("seed " << seed << ": " << net.text());
            for (const auto team : {teaming::off, teaming::claim, teaming::static_}) {
                check_packed_again(l, {.batch = 2, .team = team, .reproducible = seed % 2 == 1});
            }
        }
    }
}

TEST_CASE("nothing is packed where nothing is kept") {
    const mpar_test::random_graph net(3);
    const lowered l = net.lower();
    loaded<backend::cpu> one(MPI_COMM_WORLD, l, {});
    const seeded_reader<float> read(l.view(), {});
    one.net.store(read);
    one.net.load(read);
    try {
        one.net.pack();
        FAIL("packed");
    } catch (const error& e) {
        CHECK(e.kind() == fault::usage);
        CHECK(std::string(e.what()) == "mpar: no parameters are kept: store() keeps them");
    }
    CHECK_NOTHROW(one.forward());
}
