// SPDX-License-Identifier: MIT
// A plan as a table for people. Computes nothing that the plan does not hold.
#pragma once

#include <mpar/net/part.hpp>
#include <mpar/net/plan.hpp>

#include <array>
#include <charconv>
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
        line += i < 1 || i > 4 ? fill + cells[i] : cells[i] + fill;
        if (i + 1 < cells.size()) line += "  ";
    }
    return line + "\n";
}

inline std::string decimal(double value) {
    std::array<char, 32> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 1);
    return {text.data(), end.ptr};
}

}  // namespace detail

/// One line a step: what it does, what it gives and how that is cut, what moves before it (bytes
/// and messages that the rank of `mine` receives, predicted), its Mflop, and where its output lies.
inline std::string describe(const plan& p, const part& mine) {
    std::vector<std::vector<std::string>> table{
        {"step", "layer", "gives", "layout", "before", "bytes", "messages", "Mflop", "arena at"}};
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
        table.push_back({std::to_string(i), name, detail::extents_text(y.extents),
                         name_of(s.y < 0 ? layout::everywhere : y.where),
                         moves.empty() ? "-" : moves, std::to_string(part_of.before.bytes_received),
                         std::to_string(part_of.before.messages_received),
                         detail::decimal(static_cast<double>(part_of.flops) * 1e-6), at});
    }
    std::vector<std::size_t> widths(table.front().size());
    for (const auto& line : table) {
        for (std::size_t c = 0; c < line.size(); ++c)
            widths[c] = std::max(widths[c], line[c].size());
    }
    std::string text;
    for (const auto& line : table) text += detail::row(line, widths);
    long flops = 0;
    for (const auto& s : mine.steps) flops += s.flops;
    return text + "rank " + std::to_string(mine.of.who.rank) + " of " +
           std::to_string(mine.of.who.ranks) + ", batch " + std::to_string(mine.of.batch) + ": " +
           detail::decimal(static_cast<double>(flops) * 1e-9) + " Gflop, receives " +
           std::to_string(mine.predicted.bytes_received) + " bytes in " +
           std::to_string(mine.predicted.messages_received) + " messages, activations " +
           std::to_string(mine.arena_elements * mine.of.element_size) + " bytes\n";
}

/// The plan of a network as this rank runs it.
template <class Network>
std::string describe(const Network& net) {
    return describe(net.steps(), net.mine());
}

}  // namespace mpar
