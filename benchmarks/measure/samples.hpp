// SPDX-License-Identifier: MIT
// Times of the same work, taken one by one so that a disturbed one is only one. Knows no benchmark.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace bench {

using steady = std::chrono::steady_clock;

inline double seconds_since(steady::time_point began) {
    return std::chrono::duration<double>(steady::now() - began).count();
}

/// Seconds.
class samples {
public:
    void add(double seconds) { all_.push_back(seconds); }
    std::size_t count() const { return all_.size(); }

    /// The smallest one that at least `share` of all do not exceed; 0: the least. requires: some.
    double quantile(double share) {
        const auto last = double(all_.size() - 1);
        const auto nth = all_.begin() + std::ptrdiff_t(share * last);
        std::nth_element(all_.begin(), nth, all_.end());
        return *nth;
    }

private:
    std::vector<double> all_;
};

}  // namespace bench
