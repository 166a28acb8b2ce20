// SPDX-License-Identifier: MIT
// A batch of images in somebody's memory, channels blocked or not. Owns nothing, knows no kernel.
#pragma once

#include <mpar/core/numeric.hpp>
#include <mpar/tensor/shape.hpp>

#include <type_traits>

namespace mpar {

#if defined(__CUDACC__)  // a conversion that is not for constant views does not happen to them
#pragma nv_diagnostic push
#pragma nv_diag_suppress 554
#endif

/// A batch of images in somebody's memory. Element (n, c, h, w) lies at
/// data[n*stride_n + (c/block)*stride_c + h*stride_h + w*stride_w + c%block].
///
/// block = 1 is NCHW (or NHWC, by its strides); block = V keeps V channels side by side, as vector
/// kernels want it: [N][C/V][H][W][V]. Where C is no multiple of V the last block is filled up with
/// zeros, and every kernel keeps them zero.
template <class T>
struct view {
    T* data = nullptr;
    shape extents;
    int block = 1;
    long stride_n = 0, stride_c = 0, stride_h = 0, stride_w = 0;

    T& operator()(int n, int c, int h, int w) const { return data[offset(n, c, h, w)]; }

    constexpr long offset(int n, int c, int h, int w) const {
        return n * stride_n + (c / block) * stride_c + h * stride_h + w * stride_w + c % block;
    }

    constexpr bool empty() const { return data == nullptr || extents.count() == 0; }

    /// Number of channel blocks.
    constexpr int blocks() const { return ceil_div(extents.c, block); }

    /// The view of box `b`, given in this view's own indices. requires: b.c begins at a block.
    constexpr view part(const box& b) const {
        view result = *this;
        result.extents = b.extents();
        if (!b.empty()) result.data = data + offset(b.n.lo, b.c.lo, b.h.lo, b.w.lo);
        return result;
    }

    constexpr operator view<const T>() const requires(!std::is_const_v<T>) {
        return {data, extents, block, stride_n, stride_c, stride_h, stride_w};
    }
};

#if defined(__CUDACC__)
#pragma nv_diagnostic pop
#endif

/// Number of elements that a dense tensor of that shape takes in blocks of `block` channels.
constexpr long storage(const shape& s, int block = 1) {
    return long(s.n) * ceil_div(s.c, block) * block * s.h * s.w;
}

/// The view of a dense tensor at `data`: [N][C/block][H][W][block], which is NCHW for a block of 1.
template <class T>
constexpr view<T> dense_view(T* data, const shape& s, int block = 1) {
    const long row = long(s.w) * block, plane = s.h * row;
    return {data, s, block, plane * ceil_div(s.c, block), plane, row, block};
}

}  // namespace mpar
