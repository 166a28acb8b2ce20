// SPDX-License-Identifier: MIT
// One convolution or dense layer of a network, with memory of its own, as one rank alone computes it.
// Knows no clock.
#pragma once

#include <mpar/kernels/cpu/backend.hpp>
#include <mpar/net/run/execute.hpp>
#include <mpar/net/place/partition.hpp>
#include <mpar/net/plan/static_plan.hpp>
#include <mpar/tensor/memory.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace bench {

using backend = mpar::backend::cpu;

struct layer {
    mpar::operation what;
    mpar::box x, y;  ///< x: what it reads, padding included
    int x_block;     ///< channels of x side by side
    mpar::clip padding;
    int tile = 0;    ///< of Winograd's; 0: the sum
    bool residual = false;

    mpar::convolution problem() const { return mpar::problem_of(what, x.c, y, tile); }
    long flops() const { return mpar::flops(what, y, x.extents()); }

    std::string shape() const {
        const mpar::filters& f = filters_of(what);
        const mpar::sliding& w = f.window;
        const auto text = [](auto n) { return std::to_string(n); };
        std::string s = !traits_of(what).takes_image_blocks
                            ? "dense"
                            : (problem().is_depthwise() ? "depthwise" : "conv") + text(w.h.kernel) +
                                  "x" + text(w.w.kernel);
        if (w.h.stride > 1) s += "/stride" + text(w.h.stride);
        s += "/" + text(f.in) + "to" + text(f.out) + "/" + text(y.h.size()) + "x" +
             text(y.w.size());
        return s + (residual ? "/residual" : "");
    }
    std::string name() const {
        return shape() + (tile ? "/winograd" + std::to_string(tile) : "/direct");
    }
};

/// The convolutions and dense layers of Net, in its order, repetitions included.
template <class Net>
std::vector<layer> layers_of(int batch, bool exact) {
    const mpar::plan& plan = mpar::plan_of<Net>;
    const mpar::part mine =
        mpar::partition(plan, mpar::setting_on<backend, float>({}, batch, exact));
    std::vector<layer> layers;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const auto& s = plan.steps[i];
        if (!has_filters(s.what)) continue;
        const auto& m = mine.steps[i];
        const mpar::shape& image = plan.tensors[std::size_t(s.x())].extents;
        const auto outside = [](int n) { return std::max(0, n); };
        const mpar::clip padding{outside(-m.x.h.lo), outside(m.x.h.hi - image.h),
                                 outside(-m.x.w.lo), outside(m.x.w.hi - image.w)};
        layers.push_back({s.what, m.x, m.y, mine.tensors[std::size_t(s.x())].block, padding, m.tile,
                          s.adds});
    }
    return layers;
}

/// A layer with its tensors and packed filters, all numbers around zero.
class layer_run {
public:
    explicit layer_run(const layer& l)
        : layer_(l),
          x_(storage(l.x)),
          y_(storage(l.y)),
          residual_(l.residual ? storage(l.y) : 0),
          filters_(long(l.y.c.size()) * l.problem().in_per_group() * l.problem().window_taps()),
          packed_(backend::packed_filters<float>(l.problem())),
          bias_(mpar::round_up(l.y.c.size(), backend::block<float>)),
          workspace_(backend::workspace<float>(l.problem(), l.y.extents(), 1)) {
        backend::pack_filters(static_cast<const float*>(filters_.data()), l.problem(),
                              packed_.data());
    }

    void forward() {
        const mpar::arguments<backend, float> a{
            .queue = queue_,
            .x = x_.as(layer_.x, layer_.x_block),
            .second = {},
            .residual = layer_.residual ? residual_.as(layer_.y) : mpar::view<const float>{},
            .y = y_.as(layer_.y),
            .where = layer_.y,
            .from = layer_.x,
            .whole = {},
            .tile = layer_.tile,
            .padding = layer_.padding,
            .weights = packed_.data(),
            .bias = bias_.data(),
            .workspace = workspace_.data()};
        mpar::execute<backend, float>(layer_.what, a, nullptr);
    }

private:
    class memory {
    public:
        explicit memory(long elements) : values_(std::size_t(elements)) {
            std::minstd_rand draw(1);
            std::uniform_real_distribution<float> uniform(-1, 1);
            std::generate_n(values_.data(), elements, [&] { return uniform(draw); });
        }
        float* data() const { return values_.data(); }
        mpar::view<float> as(const mpar::box& b, int block = backend::block<float>) const {
            return mpar::dense_view(values_.data(), b.extents(), block);
        }

    private:
        mpar::buffer<float> values_;
    };

    static long storage(const mpar::box& b) {
        return mpar::storage(b.extents(), backend::block<float>);
    }

    layer layer_;
    backend::queue queue_;
    memory x_, y_, residual_, filters_, packed_, bias_, workspace_;
};

}  // namespace bench
