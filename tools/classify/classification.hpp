// SPDX-License-Identifier: MIT
// Logits as the likeliest classes with their probabilities and names. Knows no network and no
// image.
#pragma once

#include <mpar/core/error.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace tools {

struct guess {
    int label = 0;
    double probability = 0;
};

/// The `count` likeliest classes, the likeliest first; of equal ones the lower class.
inline std::vector<guess> likeliest(std::span<const float> logits, int count) {
    std::vector<int> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    const auto logit = [&](int i) { return logits[static_cast<std::size_t>(i)]; };
    const auto shown = std::min<std::ptrdiff_t>(count, std::ssize(order));
    std::ranges::partial_sort(order, order.begin() + shown, [&](int a, int b) {
        return logit(a) != logit(b) ? logit(a) > logit(b) : a < b;
    });
    const double greatest = *std::ranges::max_element(logits);
    double sum = 0;
    for (const double l : logits) sum += std::exp(l - greatest);
    std::vector<guess> guesses;
    for (std::ptrdiff_t i = 0; i < shown; ++i) {
        const int c = order[static_cast<std::size_t>(i)];
        guesses.push_back({c, std::exp(double(logit(c)) - greatest) / sum});
    }
    return guesses;
}

/// One class name a line, however lines end; blank ones at the end, and a byte-order mark, are none.
/// throws: error(input) when the file is missing or has another number of them than `classes`.
inline std::vector<std::string> read_labels(const std::string& path, int classes) {
    std::ifstream file(path);
    if (!file) throw mpar::error(mpar::fault::input, "mpar: " + path + ": cannot be opened");
    std::vector<std::string> labels;
    for (std::string line; std::getline(file, line) && labels.size() < 1'000'000;) {
        if (labels.empty() && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
        if (line.ends_with('\r')) line.pop_back();
        labels.push_back(line);
    }
    const auto is_blank = [](const std::string& s) { return s.find_first_not_of(" \t") == s.npos; };
    while (!labels.empty() && is_blank(labels.back())) labels.pop_back();
    if (static_cast<int>(labels.size()) != classes) {
        throw mpar::error(mpar::fault::input, "mpar: " + path + ": " +
                                                  std::to_string(labels.size()) + " labels for " +
                                                  std::to_string(classes) + " classes");
    }
    return labels;
}

}  // namespace tools
