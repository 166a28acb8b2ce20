// SPDX-License-Identifier: MIT
#include <mpar/kernels/cpu/gemm/gemm.hpp>

#include <mpar/kernels/reference/gemm.hpp>

#include <support/catch.hpp>
#include <support/effort.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace {

constexpr int V = mpar::cpu::lanes<float>;

/// A matrix with room beside its rows, where nothing may be written.
template <class T>
struct fenced {
    long rows, columns, stride;
    std::vector<T> values;

    fenced(long r, long c, long gap, unsigned seed)
        : rows(r), columns(c), stride(c + gap), values(std::size_t(r * stride + 1), T(-77)) {
        for (long i = 0; i < r; ++i) {
            for (long j = 0; j < c; ++j) {
                seed = seed * 1664525u + 1013904223u;
                values[std::size_t(i * stride + j)] = T(double(seed >> 8) / (1 << 24) - 0.5);
            }
        }
    }
    mpar::matrix<T> all() { return {values.data(), rows, columns, stride}; }
    mpar::matrix<const T> seen() const { return {values.data(), rows, columns, stride}; }
};

template <class T>
void compare(long m, long n, long k, bool adds) {
    CAPTURE(m, n, k, adds, sizeof(T));
    mpar::host_queue queue;
    const fenced<T> a(m, k, 3, 1), b(k, n, 5, 2);
    fenced<T> c(m, n, 1, 3);
    auto expected = c;
    mpar::buffer<T> work(std::size_t(mpar::cpu::gemm_workspace<T>(m, n, k)));
    mpar::cpu::gemm(queue, a.seen(), b.seen(), c.all(), adds, work.data());
    mpar::reference::gemm(queue, a.seen(), b.seen(), expected.all(), adds);
    double greatest = 0;
    bool fence = true;
    for (std::size_t i = 0; i < c.values.size(); ++i) {
        const bool outside = long(i) % c.stride >= n || long(i) >= m * c.stride;
        if (outside) fence = fence && c.values[i] == T(-77);
        greatest = std::max(greatest, std::abs(double(c.values[i]) - double(expected.values[i])));
    }
    REQUIRE(fence);
    // k roundings, of sums that are some sqrt(k) / 12: what they come to at worst of many elements
    REQUIRE(greatest <= double(std::numeric_limits<T>::epsilon()) * (2 + double(k) / 4));
}

}  // namespace

TEMPLATE_TEST_CASE("gemm is the triple loop", "", float, double) {
    for (const long m : {1, 2, 3, 4, 5, 11, 14, 15, 29, 127, 131}) {
        for (const long n : {1, 2, V - 1, V, V + 1, 2 * V, 2 * V + 1, 100}) {
            for (const long k : {1, 2, V - 1, V, V + 1, 67}) {
                for (const bool adds : {false, true}) compare<TestType>(m, n, k, adds);
            }
        }
    }
}

TEMPLATE_TEST_CASE("gemm of many blocks", "", float, double) {
    compare<TestType>(2, 9000, 33, false);
    compare<TestType>(17, 1500, 600, true);     // more panels than are packed at once
    compare<TestType>(150, 70, 2100, false);    // several blocks of rows and of K
    compare<TestType>(129, 2500, 1030, false);  // more panels than are kept
}

TEST_CASE("rows and columns of any size have their own digits") {
    constexpr long m = 40, n = 70, k = 200;
    fenced<float> a(m, k, 0, 1), b(k, n, 0, 2), c(m, n, 0, 3);
    fenced<double> exact(m, n, 0, 3);
    const auto size = [](long i) { return std::ldexp(1.0, int(i % 7 - 3) * 17); };
    for (long i = 0; i < m; ++i) {
        for (long l = 0; l < k; ++l) a.all()(i, l) *= float(size(i));
    }
    for (long j = 0; j < n; ++j) {
        for (long l = 0; l < k; ++l) b.all()(l, j) *= float(j % 5 == 0 ? 0 : size(j));
    }
    const bool adds = GENERATE(false, true);
    for (long i = 0; i < m; ++i) {
        for (long j = 0; j < n; ++j) {
            c.all()(i, j) *= float(size(i) * size(j));
            double sum = adds ? double(c.all()(i, j)) : 0;
            for (long l = 0; l < k; ++l) sum += double(a.all()(i, l)) * double(b.all()(l, j));
            exact.all()(i, j) = sum;
        }
    }
    mpar::host_queue queue;
    mpar::buffer<float> work(std::size_t(mpar::cpu::gemm_workspace<float>(m, n, k)));
    mpar::cpu::gemm(queue, a.seen(), b.seen(), c.all(), adds, work.data());
    double greatest = 0;
    for (long i = 0; i < m; ++i) {
        for (long j = 0; j < n; ++j) {
            const double error = std::abs(double(c.all()(i, j)) - exact.all()(i, j));
            greatest = std::max(greatest, error / (size(i) * size(j)));
        }
    }
    CHECK(greatest <= double(std::numeric_limits<float>::epsilon()) * (2 + double(k) / 4));
}

TEST_CASE("what is no number stays in its row and column") {
    constexpr long m = 30, n = 64, k = 80;
    fenced<float> a(m, k, 0, 1), b(k, n, 0, 2), c(m, n, 0, 3);
    a.all()(7, 33) = std::numeric_limits<float>::quiet_NaN();
    a.all()(9, 3) = std::numeric_limits<float>::infinity();
    b.all()(50, 20) = std::numeric_limits<float>::quiet_NaN();
    mpar::host_queue queue;
    mpar::buffer<float> work(std::size_t(mpar::cpu::gemm_workspace<float>(m, n, k)));
    mpar::cpu::gemm(queue, a.seen(), b.seen(), c.all(), false, work.data());
    long wrong = 0;
    for (long i = 0; i < m; ++i) {
        for (long j = 0; j < n; ++j) {
            wrong += std::isfinite(c.all()(i, j)) != (i != 7 && i != 9 && j != 20);
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("gemm of nothing") {
    mpar::host_queue queue;
    std::vector<float> c(12, 5.0f);
    const mpar::matrix<float> all{c.data(), 4, 3, 3};
    mpar::cpu::gemm<float>(queue, {nullptr, 4, 0, 0}, {nullptr, 0, 3, 3}, all, true, nullptr);
    REQUIRE(std::ranges::count(c, 5.0f) == 12);
    mpar::cpu::gemm<float>(queue, {nullptr, 4, 0, 0}, {nullptr, 0, 3, 3}, all, false, nullptr);
    REQUIRE(std::ranges::count(c, 0.0f) == 12);
    mpar::cpu::gemm<float>(queue, {nullptr, 0, 7, 7}, {nullptr, 7, 3, 3}, {}, false, nullptr);
}

TEST_CASE("gemm gives its caller a turn now and then") {
    mpar::host_queue queue;
    for (const long m : {2, 40}) {
        const fenced<float> a(m, 640, 0, 1), b(640, 640, 0, 2);
        fenced<float> c(m, 640, 0, 3);
        int turns = 0;
        const auto count = [&] { ++turns; };
        const mpar::function_ref<void()> between = count;
        mpar::buffer<float> work(std::size_t(mpar::cpu::gemm_workspace<float>(m, 640, 640)));
        mpar::cpu::gemm(queue, a.seen(), b.seen(), c.all(), false, work.data(), &between);
        REQUIRE(turns >= 10);
    }
}

TEST_CASE("a NaN stays where it belongs") {
    mpar::host_queue queue;
    for (const long m : {2, 20}) {
        fenced<float> a(m, 50, 0, 1), b(50, 40, 0, 2), c(m, 40, 0, 3);
        a.values[50 + 49] = std::numeric_limits<float>::quiet_NaN();
        mpar::buffer<float> work(std::size_t(mpar::cpu::gemm_workspace<float>(m, 40, 50)));
        mpar::cpu::gemm(queue, a.seen(), b.seen(), c.all(), false, work.data());
        for (long i = 0; i < m; ++i) {
            for (long j = 0; j < 40; ++j) REQUIRE(std::isnan(c.all()(i, j)) == (i == 1));
        }
    }
}

TEST_CASE("long sums keep their digits") {
    // As they are added up in parts, each by itself: one after the other these were off by 6e-6 to 5e-5.
    const long k = mpar_test::effort(3) == 3 ? 1'000'000 : 100'000;
    const float shift = GENERATE(0.0f, 0.5f);  // about zero, and all positive
    for (const long m : {2, 7}) {
        CAPTURE(k, shift, m);
        constexpr long n = 20;
        fenced<float> a(m, k, 0, 1), b(k, n, 0, 2), c(m, n, 0, 3);
        for (float& v : a.values) v += shift;
        for (float& v : b.values) v += shift;
        mpar::host_queue queue;
        mpar::buffer<float> work(std::size_t(mpar::cpu::gemm_workspace<float>(m, n, k)));
        mpar::cpu::gemm(queue, a.seen(), b.seen(), c.all(), false, work.data());
        double error = 0, greatest = 0;
        for (long i = 0; i < m; ++i) {
            for (long j = 0; j < n; ++j) {
                double sum = 0;
                for (long l = 0; l < k; ++l) sum += double(a.all()(i, l)) * double(b.all()(l, j));
                error = std::max(error, std::abs(double(c.all()(i, j)) - sum));
                greatest = std::max(greatest, std::abs(sum));
            }
        }
        CHECK(error < 3e-6 * greatest);
    }
}
