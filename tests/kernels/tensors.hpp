// SPDX-License-Identifier: MIT
// Tensors with canaries around every row, numbered random values, comparisons. Knows no kernel.
#pragma once

#include <mpar/tensor/view.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace mpar_test {

using mpar::box;
using mpar::range;
using mpar::shape;
using mpar::view;

/// A number in [-1, 1) of its own for every index; multiples of 2^-12, the same in every type.
template <class T>
T value(int seed, int n, int c, int h, int w) {
    std::uint64_t x = std::uint64_t(seed) * 0x9e3779b97f4a7c15u;
    for (const int i : {n, c, h, w}) {
        x = (x ^ std::uint64_t(i + 1)) * 0xbf58476d1ce4e5b9u;
        x ^= x >> 29;
    }
    return T(int(x >> 40 & 0x1fff) - 0x1000) / T(0x1000);
}

/// Elements left free before the tensor, after each row and after each plane.
struct spacing {
    int front = 0, row = 0, plane = 0;
};

/// Owns a blocked tensor; what is no part of it holds a canary.
template <class T>
class tensor {
public:
    static constexpr T canary = T(77);

    tensor(const shape& s, int block, const spacing& free = {}) : view_{nullptr, s, block} {
        view_.stride_w = block;
        view_.stride_h = s.w * view_.stride_w + free.row;
        view_.stride_c = s.h * view_.stride_h + free.plane;
        view_.stride_n = view_.blocks() * view_.stride_c;
        const long size = free.front + s.n * view_.stride_n + 64;
        elements_.assign(static_cast<std::size_t>(size), canary);
        view_.data = elements_.data() + free.front;
    }

    /// Element (n, c, h, w) = f(n, c, h, w); lanes without a channel: 0.
    template <class F>
    tensor& fill(F f) {
        const shape s = padded();
        for (int n = 0; n < s.n; ++n) {
            for (int c = 0; c < s.c; ++c) {
                for (int h = 0; h < s.h; ++h) {
                    for (int w = 0; w < s.w; ++w) {
                        view_(n, c, h, w) = c < view_.extents.c ? T(f(n, c, h, w)) : T(0);
                    }
                }
            }
        }
        return *this;
    }

    const view<T>& all() const { return view_; }

    bool pad_lanes_are_zero() const {
        const shape s = padded();
        for (int n = 0; n < s.n; ++n) {
            for (int c = view_.extents.c; c < s.c; ++c) {
                for (int h = 0; h < s.h; ++h) {
                    for (int w = 0; w < s.w; ++w) {
                        if (view_(n, c, h, w) != T(0)) return false;
                    }
                }
            }
        }
        return true;
    }

    bool canaries_live() const {
        std::vector<bool> own(elements_.size());
        const shape s = padded();
        for (int n = 0; n < s.n; ++n) {
            for (int c = 0; c < s.c; ++c) {
                for (int h = 0; h < s.h; ++h) {
                    for (int w = 0; w < s.w; ++w) {
                        own[std::size_t(&view_(n, c, h, w) - elements_.data())] = true;
                    }
                }
            }
        }
        for (std::size_t i = 0; i < own.size(); ++i) {
            if (!own[i] && elements_[i] != canary) return false;
        }
        return true;
    }

private:
    shape padded() const {
        const shape& s = view_.extents;
        return {s.n, view_.blocks() * view_.block, s.h, s.w};
    }

    std::vector<T> elements_;
    view<T> view_;
};

/// The largest |a - b| over all elements; infinite when the extents differ or one only is NaN.
template <class A, class B>
double difference(const view<A>& a, const view<B>& b) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (a.extents != b.extents) return infinity;
    double largest = 0;
    const shape& s = a.extents;
    for (int n = 0; n < s.n; ++n) {
        for (int c = 0; c < s.c; ++c) {
            for (int h = 0; h < s.h; ++h) {
                for (int w = 0; w < s.w; ++w) {
                    const double p = double(a(n, c, h, w)), q = double(b(n, c, h, w));
                    if (std::isnan(p) != std::isnan(q)) return infinity;
                    if (p != q && !std::isnan(p)) largest = std::max(largest, std::abs(p - q));
                }
            }
        }
    }
    return largest;
}

}  // namespace mpar_test
