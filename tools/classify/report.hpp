// SPDX-License-Identifier: MIT
// What classify says: a table for people, JSON for scripts. Knows no network.
#pragma once

#include "classify/classification.hpp"
#include "classify/options.hpp"
#include "support/json.hpp"
#include "support/samples.hpp"

#include <mpar/models/cache.hpp>

#include <nlohmann/json.hpp>

#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

namespace tools {

/// All that a run has found out; the images on rank 0.
struct classify_report {
    struct line {
        std::string file, wrong;  ///< wrong: why it has no classes
        std::vector<guess> top;
    };
    std::vector<line> images;
    std::vector<std::string> labels;  ///< empty: classes are called by their numbers
    samples latency;
    mpar::loading loaded;
    double load_ms = 0, predicted_ms = 0;
    int ranks = 1;
    std::string isa;
    std::vector<long> bytes, messages, predicted_bytes,
        predicted_messages;                            ///< by rank, received in one forward
    std::vector<long> weights, activations, peak_rss;  ///< bytes by rank

    std::string label(int c) const {
        return labels.empty() ? "class " + std::to_string(c) : labels[static_cast<std::size_t>(c)];
    }
};

inline void print_image(const classify_report& r, const classify_report::line& image,
                        std::ostream& out) {
    out << image.file << "\n";
    if (!image.wrong.empty()) out << "  not classified: " << image.wrong << "\n";
    for (const auto& g : image.top) {
        out << "  " << std::fixed << std::setprecision(5) << g.probability << "  "
            << r.label(g.label) << "\n";
    }
}

inline void print_latency(const classify_report& r, std::ostream& out) {
    if (r.latency.count() == 0) return;
    out << std::fixed << std::setprecision(3) << "latency of a forward on " << r.ranks
        << " ranks: min " << r.latency.min() << " ms, median " << r.latency.quantile(0.5) << " ms, "
        << r.latency.count() << " runs\n";
}

/// One of the report's images.
inline nlohmann::ordered_json to_json(const classify_report& r,
                                      const classify_report::line& image) {
    if (!image.wrong.empty()) return {{"file", image.file}, {"error", image.wrong}};
    auto top = nlohmann::ordered_json::array();
    for (const auto& g : image.top) {
        top.push_back(
            {{"class", g.label}, {"label", r.label(g.label)}, {"probability", g.probability}});
    }
    return {{"file", image.file}, {"top", top}};
}

/// All but the images, which would take some kilobytes each: null stands for them.
inline nlohmann::ordered_json to_json(const classify_report& r, const classify_options& o) {
    nlohmann::ordered_json j;
    j["model"] = o.model;
    j["policy"] = o.policy;
    j["ranks"] = r.ranks;
    j["numerics"] = o.numerics;
    j["team"] = name_of(*mpar::teaming_named(o.team));  // static, of its two words
    j["threads"] = o.threads;
    j["engine"] = o.engine;
    j["isa"] = r.isa;
    j["images"] = nullptr;
    j["latency_ms"] = {{"min", r.latency.min()},
                       {"p10", r.latency.quantile(0.1)},
                       {"median", r.latency.quantile(0.5)},
                       {"p99", r.latency.quantile(0.99)},
                       {"n", r.latency.count()}};
    j["predicted_ms"] = r.predicted_ms;  // of a forward, by the machine's constants
    j["load_ms"] = r.load_ms;
    j["weights_from_cache"] = r.loaded.from_cache;
    j["communication"] = {{"bytes_per_rank", r.bytes},
                          {"messages_per_rank", r.messages},
                          {"predicted_bytes_per_rank", r.predicted_bytes},
                          {"predicted_messages_per_rank", r.predicted_messages}};
    j["memory"] = {{"weights_bytes_per_rank", r.weights},
                   {"activations_bytes_per_rank", r.activations},
                   {"peak_rss_bytes_per_rank", r.peak_rss}};
    return j;
}

}  // namespace tools
