// SPDX-License-Identifier: MIT
// Milliseconds of repeated runs and what is said of them. Knows no network.
#pragma once

#include <algorithm>
#include <vector>

namespace tools {

/// Times of the same work, in milliseconds.
class samples {
public:
    void add(double milliseconds) {
        sorted_.insert(std::ranges::upper_bound(sorted_, milliseconds), milliseconds);
    }
    std::size_t count() const { return sorted_.size(); }
    double min() const { return sorted_.empty() ? 0 : sorted_.front(); }

    /// The smallest sample that at least `share` of all do not exceed. requires: 0 < share <= 1.
    double quantile(double share) const {
        if (sorted_.empty()) return 0;
        const auto index =
            static_cast<std::size_t>(share * static_cast<double>(sorted_.size()) - 1e-9);
        return sorted_[std::min(index, sorted_.size() - 1)];
    }

private:
    std::vector<double> sorted_;
};

}  // namespace tools
