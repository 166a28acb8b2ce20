// SPDX-License-Identifier: MIT
// A plan as a table for people. Computes nothing that it is not given.
#pragma once

#include <mpar/net/cost.hpp>
#include <mpar/net/part.hpp>
#include <mpar/net/plan.hpp>
#include <mpar/net/runner_up.hpp>

#include <array>
#include <charconv>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace mpar {

namespace detail {

/// A layer's name without the library's own namespaces.
inline std::string short_name(std::string_view full) {
    std::string name(full);
    for (const std::string_view noise :
         {"mpar::", "resnet::", "efficientnet_lite::", ", centred, dilation<1>"}) {
        for (auto at = name.find(noise); at != std::string::npos; at = name.find(noise)) {
            name.erase(at, noise.size());
        }
    }
    for (auto at = name.find(" >"); at != std::string::npos; at = name.find(" >"))
        name.erase(at, 1);
    return name;
}

inline std::string extents_text(const shape& s) {
    return std::to_string(s.c) + " x " + std::to_string(s.h) + " x " + std::to_string(s.w);
}

inline std::string with_fusions(const step& s) {
    static constexpr const char* acts[] = {"", " + relu", " + relu6", " + leaky_relu", " + silu"};
    std::string name = short_name(s.what.name);
    if (s.norm >= 0) name += " + norm";
    if (s.residual >= 0) name += " + residual";
    if (s.what.kind != op::activate) name += acts[static_cast<int>(s.what.act.which)];
    return name;
}

inline std::string row(const std::vector<std::string>& cells,
                       const std::vector<std::size_t>& widths) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string fill(widths[i] - std::min(widths[i], cells[i].size()), ' ');
        line += i < 1 || i > 5 ? fill + cells[i] : cells[i] + fill;
        if (i + 1 < cells.size()) line += "  ";
    }
    return line + "\n";
}

inline std::string decimal(double value, int digits = 1) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                   std::chars_format::fixed, digits);
    return {text.data(), end.ptr};
}

/// The policy that would do next best, and how many milliseconds more the forward would take.
inline std::string runner_up_text(const runner_up& r) {
    const double more = r.more * 1e3;
    if (!r.is_there) return "-";
    return std::string(name_of(r.how)) + (more < 0 ? " " : " +") + decimal(more, 3);
}

}  // namespace detail

/// What a step has cost where the program has run.
struct step_measure {
    long bytes = 0;      ///< received before it
    double seconds = 0;  ///< of the kernel and of the exchange before it
};

/// What a table says besides the plan; each may be missing.
struct plan_notes {
    const forecast* cost = nullptr;          ///< seconds and memory, predicted
    std::span<const runner_up> runners_up;   ///< for each step
    std::span<const step_measure> measured;  ///< for each step
};

/// One line a step: what it does, what it gives, by which policy and how that is cut, what moves before
/// it (bytes and messages that the rank of `mine` receives, predicted), its Mflop, the memory of its
/// weights and output, and where its output lies; the slowest rank's milliseconds, predicted, and the
/// runner-up among the policies; bytes and milliseconds as they were measured.
inline std::string describe(const plan& p, const part& mine, const plan_notes& notes = {}) {
    std::vector<std::vector<std::string>> table{
        {"step", "layer", "gives", "policy", "layout", "before", "bytes", "messages", "Mflop"}};
    if (notes.cost) table[0].insert(table[0].end(), {"kB", "predicted ms"});
    if (!notes.runners_up.empty()) table[0].push_back("runner-up, ms");
    if (!notes.measured.empty()) {
        table[0].insert(table[0].end(), {"measured bytes", "measured ms"});
    }
    table[0].push_back("arena at");
    std::size_t next = 0;
    for (std::size_t i = 0; i < p.steps.size(); ++i) {
        const auto& s = p.steps[i];
        const auto& part_of = mine.steps[i];
        const tensor& y = p.tensors[static_cast<std::size_t>(s.y < 0 ? s.x : s.y)];
        std::string moves;
        for (; next < mine.exchanges.size() &&
               mine.exchanges[next].before_step == static_cast<int>(i);
             ++next) {
            moves += (moves.empty() ? "" : ", ") + std::string(name_of(mine.exchanges[next].name));
        }
        const std::string at =
            s.y < 0 ? "-" : std::to_string(mine.tensors[static_cast<std::size_t>(s.y)].offset);
        const std::string name = detail::with_fusions(s) + (part_of.in_place ? " (in place)" : "");
        const placing& by = s.what.asks;
        const std::string how = by.how == policy::stage ? "stage<" + std::to_string(by.stage) + ">"
                                                        : std::string(name_of(by.how));
        std::vector<std::string> line{std::to_string(i),
                                      name,
                                      detail::extents_text(y.extents),
                                      how,
                                      name_of(s.y < 0 ? layout::everywhere : y.where),
                                      moves.empty() ? "-" : moves,
                                      std::to_string(part_of.before.bytes_received),
                                      std::to_string(part_of.before.messages_received),
                                      detail::decimal(static_cast<double>(part_of.flops) * 1e-6)};
        if (notes.cost) {
            const step_cost& cost = notes.cost->steps[i];
            const long given =
                s.y < 0 ? 0 : mine.tensors[std::size_t(s.y)].elements * mine.of.element_size;
            line.push_back(std::to_string((cost.weights + given) / 1000));
            line.push_back(detail::decimal(cost.seconds() * 1e3, 3));
        }
        if (!notes.runners_up.empty()) {
            line.push_back(detail::runner_up_text(notes.runners_up[i]));
        }
        if (!notes.measured.empty()) {
            line.push_back(std::to_string(notes.measured[i].bytes));
            line.push_back(detail::decimal(notes.measured[i].seconds * 1e3, 3));
        }
        line.push_back(at);
        table.push_back(std::move(line));
    }
    std::vector<std::size_t> widths(table.front().size());
    for (const auto& line : table) {
        for (std::size_t c = 0; c < line.size(); ++c)
            widths[c] = std::max(widths[c], line[c].size());
    }
    std::string text;
    for (const auto& line : table) text += detail::row(line, widths);
    for (const auto& these : mine.slices) {
        text += "steps " + std::to_string(these.first) + " to " + std::to_string(these.end - 1) +
                ": " + std::to_string(these.images) + " of " + std::to_string(mine.of.batch) +
                " images at a time\n";
    }
    long flops = 0;
    for (const auto& s : mine.steps) flops += s.flops;
    return text + "rank " + std::to_string(mine.of.who.rank) + " of " +
           std::to_string(mine.of.who.ranks) + ", batch " + std::to_string(mine.of.batch) + ": " +
           detail::decimal(static_cast<double>(flops) * 1e-9) + " Gflop, receives " +
           std::to_string(mine.predicted.bytes_received) + " bytes in " +
           std::to_string(mine.predicted.messages_received) + " messages, activations " +
           std::to_string(mine.arena_elements * mine.of.element_size) + " bytes" +
           (notes.cost ? ", predicted " + detail::decimal(notes.cost->seconds * 1e3, 3) + " ms"
                       : "") +
           "\n";
}

/// The plan of a network as this rank runs it, and what it costs on a machine.
template <class Network>
std::string describe(const Network& net, const machine& on = {}) {
    const forecast cost = forecast_of(net.steps(), net.mine().of, on);
    return describe(net.steps(), net.mine(), plan_notes{&cost, {}, {}});
}

}  // namespace mpar
