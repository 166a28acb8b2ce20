// SPDX-License-Identifier: MIT
// onednn_layers ROUNDS: ResNet-50's convolutions, mpar's kernels and oneDNN's in turn, one core. run.sh
// compiles it against PyPI's oneDNN. Prints a line of JSON for every distinct layer.
//
// oneDNN chooses its own layouts ("any") and fuses what follows: bias, the sum with the residual, ReLU.
#include "measure/fma.hpp"
#include "measure/layer.hpp"
#include "measure/samples.hpp"

#include <mpar/models/resnet.hpp>

#include <dnnl.hpp>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

namespace {

/// The same layer as a primitive of oneDNN.
class onednn_run {
public:
    onednn_run(dnnl::engine& cpu, const bench::layer& l) : stream_(cpu) {
        using dims = dnnl::memory::dims;
        using tag = dnnl::memory::format_tag;
        const auto any = [](const dims& d) {
            return dnnl::memory::desc(d, dnnl::memory::data_type::f32, tag::any);
        };
        const mpar::filters& f = filters_of(l.what);
        const mpar::sliding& w = f.window;
        const mpar::shape y = l.y.extents();
        // x as it is stored, without padding: oneDNN pads by itself
        const auto inside = [](const mpar::taps& t, int read) { return read - t.before - t.after; };
        const mpar::shape read = l.x.extents();
        const int h = inside(w.h, read.h), width = inside(w.w, read.w);
        const dims in{read.n, f.in, h, width}, out{y.n, y.c, y.h, y.w},
            filters{f.out, f.in, w.h.kernel, w.w.kernel};
        // the last rows and columns of padding that no output reads are not there
        const auto after = [](const mpar::taps& t, int input, int outputs) {
            return (outputs - 1) * t.stride + t.kernel - input - t.before;
        };

        dnnl::post_ops then;
        if (l.residual) then.append_sum(1.0f);
        if (l.what.act.which == mpar::activation::kind::relu) {
            then.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
        }
        dnnl::primitive_attr attributes;
        attributes.set_post_ops(then);
        const dnnl::convolution_forward::primitive_desc how(
            cpu, dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, any(in),
            any(filters), any({f.out}), any(out), {w.h.stride, w.w.stride},
            {w.h.before, w.w.before}, {after(w.h, h, y.h), after(w.w, width, y.w)}, attributes);
        implementation_ = how.impl_info_str();
        primitive_ = dnnl::convolution_forward(how);
        arguments_ = {{DNNL_ARG_SRC, filled(how.src_desc(), cpu)},
                      {DNNL_ARG_WEIGHTS, filled(how.weights_desc(), cpu)},
                      {DNNL_ARG_BIAS, filled(how.bias_desc(), cpu)},
                      {DNNL_ARG_DST, filled(how.dst_desc(), cpu)}};
    }

    void forward() {
        primitive_.execute(stream_, arguments_);
        stream_.wait();
    }
    const std::string& implementation() const { return implementation_; }

private:
    static dnnl::memory filled(const dnnl::memory::desc& d, const dnnl::engine& cpu) {
        dnnl::memory m(d, cpu);
        auto* const values = static_cast<float*>(m.get_data_handle());
        std::minstd_rand draw(1);
        std::uniform_real_distribution<float> uniform(-1e-3f, 1e-3f);
        std::generate_n(values, d.get_size() / sizeof(float), [&] { return uniform(draw); });
        return m;
    }

    dnnl::stream stream_;
    std::string implementation_;
    dnnl::convolution_forward primitive_;
    std::unordered_map<int, dnnl::memory> arguments_;
};

template <class Run>
void time(Run& run, bench::samples& took) {
    run.forward();
    const auto began = bench::steady::now();
    run.forward();
    took.add(bench::seconds_since(began));
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 60;
    dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
    const auto exact = bench::layers_of<mpar::resnet50>(1, true);
    const auto fast = bench::layers_of<mpar::resnet50>(1, false);
    std::map<std::string, int> times;
    for (const auto& l : exact) ++times[l.shape()];
    for (std::size_t i = 0; i < exact.size(); ++i) {
        const auto& l = exact[i];
        if (!traits_of(l.what).takes_image_blocks || times[l.shape()] == 0) continue;
        bench::layer_run direct(l), quick(fast[i]);
        onednn_run theirs(cpu, l);
        bench::samples by_direct, by_quick, by_theirs;
        const double before = bench::fma_loop::gigaflops(20);
        for (int r = 0; r < rounds; ++r) {
            time(direct, by_direct);
            time(theirs, by_theirs);
            time(quick, by_quick);
        }
        const double peak = std::max(before, bench::fma_loop::gigaflops(20));
        std::printf(
            "{\"layer\": \"%s\", \"times\": %d, \"flops\": %ld, \"direct\": %.0f, \"fast\": %.0f, "
            "\"tile\": %d, \"onednn\": %.0f, \"implementation\": \"%s\", \"peak\": %.2f}\n",
            l.shape().c_str(), std::exchange(times[l.shape()], 0), l.flops(),
            by_direct.quantile(0.1) * 1e9, by_quick.quantile(0.1) * 1e9, fast[i].tile,
            by_theirs.quantile(0.1) * 1e9, theirs.implementation().c_str(), peak);
        std::fflush(stdout);
    }
    return 0;
}
