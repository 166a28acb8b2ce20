// SPDX-License-Identifier: MIT
// A panel's sum as a list of steps, part after part. Knows x's strides, no loop over pixels.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/kernels/cpu/tile/panels.hpp>
#include <mpar/kernels/cpu/tile/tile.hpp>

#include <algorithm>

namespace mpar::cpu::inline MPAR_ISA_NAMESPACE {

/// Walks the products of a panel in the order of its filters: x's block, window row and column,
/// channel of the block. Where one part ends and the next begins changes no bit of a sum.
template <class T>
class step_list {
public:
    static constexpr int capacity = 128;

    /// requires: stride_* are x's.
    step_list(const sliding& window, range channels, long stride_c, long stride_h, long stride_w)
        : all(long(channels.size()) * window.h.kernel * window.w.kernel), window_(window),
          stride_c_(stride_c), row_(window.h.dilation * stride_h),
          column_(window.w.dilation * stride_w), channels_(channels) {}

    /// Makes `steps` the next part, of about `wanted` products; empty when none is left.
    void next(long wanted) {
        step_count = 0;
        products = 0;
        while (!channels_.empty() && step_count < capacity && products < wanted) {
            constexpr int V = lanes<T>;
            const int lane = channels_.lo % V, count = std::min(V - lane, channels_.size());
            steps[step_count++] = {
                channels_.lo / V * stride_c_ + kh_ * row_ + kw_ * column_ + lane, count, kh_, kw_,
                kh_ >= window_.h.kernel - window_.h.stride && kw_ < window_.w.stride};
            products += count;
            if (++kw_ < window_.w.kernel) continue;
            kw_ = 0;
            if (++kh_ < window_.h.kernel) continue;
            kh_ = 0;
            channels_.lo += count;
        }
    }

    bool done() const { return channels_.empty(); }

    long all;  ///< products of the whole sum
    tap_step steps[capacity];
    int step_count = 0;
    long products = 0;

private:
    sliding window_;
    long stride_c_, row_, column_;
    range channels_;
    int kh_ = 0, kw_ = 0;
};

}  // namespace mpar::cpu::inline MPAR_ISA_NAMESPACE
