// SPDX-License-Identifier: MIT
// Extents, ranges and boxes of images in a batch. Knows no memory.
#pragma once

#include <algorithm>
#include <cstddef>

namespace mpar {

/// Extents of a batch of images: n images of c channels, h rows, w columns. A vector has h = w = 1.
struct shape {
    int n = 1, c = 1, h = 1, w = 1;

    constexpr long count() const { return long(n) * c * h * w; }
    constexpr bool operator==(const shape&) const = default;
};

/// The extents of some tensors, in memory of others. (A span costs the compiler ten times as much.)
class shapes {
public:
    constexpr shapes() = default;
    constexpr shapes(const shape* first, std::size_t count) : first_(first), count_(count) {}
    /// Of an array, a vector or the like, which is to live as long.
    template <class All>
    constexpr explicit(false) shapes(const All& all) : shapes(all.data(), all.size()) {}

    constexpr const shape* begin() const { return first_; }
    constexpr const shape* end() const { return first_ + count_; }
    constexpr std::size_t size() const { return count_; }
    constexpr bool empty() const { return count_ == 0; }
    constexpr const shape& operator[](std::size_t i) const { return first_[i]; }
    constexpr const shape& front() const { return first_[0]; }
    constexpr shapes after_first() const { return {first_ + 1, count_ - 1}; }

private:
    const shape* first_ = nullptr;
    std::size_t count_ = 0;
};

/// Half-open range of indices [lo, hi); empty when hi <= lo.
struct range {
    int lo = 0, hi = 0;

    constexpr int size() const { return std::max(0, hi - lo); }
    constexpr bool empty() const { return hi <= lo; }
    constexpr bool contains(range inner) const {
        return inner.empty() || (lo <= inner.lo && inner.hi <= hi);
    }
    constexpr bool operator==(const range&) const = default;
};

constexpr range intersection(range a, range b) {
    return {std::max(a.lo, b.lo), std::min(a.hi, b.hi)};
}

/// The smallest range that holds both; an empty one counts for nothing.
constexpr range hull(range a, range b) {
    if (a.empty()) return b;
    if (b.empty()) return a;
    return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
}

/// A box of a batch of images, in the global tensor's indices.
struct box {
    range n, c, h, w;

    constexpr bool empty() const { return n.empty() || c.empty() || h.empty() || w.empty(); }
    constexpr long count() const { return long(n.size()) * c.size() * h.size() * w.size(); }
    constexpr shape extents() const { return {n.size(), c.size(), h.size(), w.size()}; }
    constexpr bool contains(const box& inner) const {
        return inner.empty() || (n.contains(inner.n) && c.contains(inner.c) &&
                                 h.contains(inner.h) && w.contains(inner.w));
    }
    constexpr bool operator==(const box&) const = default;
};

/// The box of the whole tensor.
constexpr box whole(const shape& s) { return {{0, s.n}, {0, s.c}, {0, s.h}, {0, s.w}}; }

constexpr box intersection(const box& a, const box& b) {
    return {intersection(a.n, b.n), intersection(a.c, b.c), intersection(a.h, b.h),
            intersection(a.w, b.w)};
}

/// The smallest box that holds both; an empty one counts for nothing.
constexpr box hull(const box& a, const box& b) {
    if (a.empty()) return b;
    if (b.empty()) return a;
    return {hull(a.n, b.n), hull(a.c, b.c), hull(a.h, b.h), hull(a.w, b.w)};
}

/// The box in the indices of a tensor whose first element is `origin`'s first.
constexpr box relative(const box& b, const box& origin) {
    const auto shifted = [](range r, int by) { return range{r.lo - by, r.hi - by}; };
    return {shifted(b.n, origin.n.lo), shifted(b.c, origin.c.lo), shifted(b.h, origin.h.lo),
            shifted(b.w, origin.w.lo)};
}

}  // namespace mpar
