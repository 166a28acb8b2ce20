// SPDX-License-Identifier: MIT
// A plan as a table for people. Computes nothing that it is not given.
#pragma once

#include <mpar/net/choose/cost.hpp>
#include <mpar/net/choose/runner_up.hpp>
#include <mpar/net/place/part.hpp>
#include <mpar/net/place/schedule.hpp>
#include <mpar/net/plan/plan.hpp>

#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mpar {

namespace detail {

/// A layer's name without namespaces, and without what a window has when it does not say otherwise.
inline std::string short_name(std::string_view full) {
    std::string name;
    for (const char c : full) {
        if (c == '>' && name.ends_with(' ')) name.pop_back();
        name += c;
        if (!name.ends_with("::")) continue;
        const auto before = name.find_last_of("<,( ", name.size());
        name.resize(before == std::string::npos ? 0 : before + 1);
    }
    constexpr std::string_view usual = ", centred, dilation<1>";
    for (auto at = name.find(usual); at != std::string::npos; at = name.find(usual)) {
        name.erase(at, usual.size());
    }
    return name;
}

inline std::string extents_text(const shape& s) {
    return std::to_string(s.c) + " x " + std::to_string(s.h) + " x " + std::to_string(s.w);
}

inline std::string with_fusions(const step& s) {
    std::string name = short_name(s.what.name);
    if (s.norm >= 0) name += " + norm";
    if (s.adds) name += " + residual";
    const auto act = s.what.act.which;
    if (act != activation::kind::none && traits_of(s.what).rides != riding::activation) {
        name += " + ";
        name += name_of(act);
    }
    return name;
}

/// Cells that stand in columns: the second to the sixth to the left, the others to the right.
class table {
public:
    [[gnu::cold]] void add(std::string cell) { cells_.push_back(std::move(cell)); }
    void end_row() {
        if (columns_ == 0) columns_ = cells_.size();
    }

    [[gnu::cold]] std::string text() const {
        std::string text;
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            const std::size_t column = i % columns_;
            const std::string fill(width(column) - cells_[i].size(), ' ');
            text += column < 1 || column > 5 ? fill + cells_[i] : cells_[i] + fill;
            text += column + 1 < columns_ ? "  " : "\n";
        }
        return text;
    }

private:
    std::size_t width(std::size_t column) const {
        std::size_t width = 0;
        for (std::size_t i = column; i < cells_.size(); i += columns_) {
            width = std::max(width, cells_[i].size());
        }
        return width;
    }

    std::vector<std::string> cells_;
    std::size_t columns_ = 0;
};

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

namespace detail {

[[gnu::cold]] inline void add_titles(table& to, const plan_notes& notes) {
    for (const char* title :
         {"step", "layer", "gives", "policy", "layout", "before", "bytes", "messages", "Mflop",
          "kB", "predicted ms", "runner-up, ms", "measured bytes", "measured ms", "arena at"}) {
        const std::string_view is = title;
        if ((is == "kB" || is == "predicted ms") && !notes.cost) continue;
        if (is == "runner-up, ms" && notes.runners_up.empty()) continue;
        if (is.starts_with("measured ") && notes.measured.empty()) continue;
        to.add(title);
    }
    to.end_row();
}

/// What moves before each step.
[[gnu::cold]] inline std::vector<std::string> moves_of(const plan& p, const part& mine) {
    std::vector<std::string> moves(p.steps.size());
    const schedule order(p, mine);
    for (const action& a : order.all()) {
        if (a.does != action::kind::finish && a.does != action::kind::reduce) continue;
        std::string& words = moves[std::size_t(a.step)];
        if (!words.empty()) words += ", ";
        words += name_of(mine.exchanges[std::size_t(a.index)].name);
    }
    return moves;
}

/// Step i, before which there are these moves.
[[gnu::cold]] inline void add_step(table& to, const plan& p, const part& mine,
                                   const plan_notes& notes, std::size_t i,
                                   const std::string& moves) {
    const auto& s = p.steps[i];
    const auto& part_of = mine.steps[i];
    const tensor& y = p.tensors[static_cast<std::size_t>(s.y < 0 ? s.x() : s.y)];
    const placing& by = s.what.asks;
    to.add(std::to_string(i));
    to.add(with_fusions(s) + (part_of.in_place ? " (in place)" : ""));
    to.add(extents_text(y.extents));
    to.add(by.how == policy::stage ? "stage<" + std::to_string(by.stage) + ">"
                                   : std::string(name_of(by.how)));
    to.add(name_of(s.y < 0 ? layout::everywhere : y.where));
    to.add(moves.empty() ? "-" : moves);
    to.add(std::to_string(part_of.before.bytes_received));
    to.add(std::to_string(part_of.before.messages_received));
    to.add(decimal(static_cast<double>(part_of.flops) * 1e-6));
    if (notes.cost) {
        const step_cost& cost = notes.cost->steps[i];
        const long given = s.y < 0 ? 0 : mine.tensors[std::size_t(s.y)].bytes;
        to.add(std::to_string((cost.weights + given) / 1000));
        to.add(decimal(cost.seconds() * 1e3, 3));
    }
    if (!notes.runners_up.empty()) to.add(runner_up_text(notes.runners_up[i]));
    if (!notes.measured.empty()) {
        to.add(std::to_string(notes.measured[i].bytes));
        to.add(decimal(notes.measured[i].seconds * 1e3, 3));
    }
    to.add(s.y < 0 ? "-" : std::to_string(mine.tensors[static_cast<std::size_t>(s.y)].offset));
    to.end_row();
}

}  // namespace detail

/// One line a step: what it does, what it gives, by which policy and how that is cut, what moves before
/// it (bytes and messages that the rank of `mine` receives, predicted), its Mflop, the memory of its
/// weights and output, and where its output lies; the slowest rank's milliseconds, predicted, and the
/// runner-up among the policies; bytes and milliseconds as they were measured.
[[gnu::cold]] inline std::string describe(const plan& p, const part& mine,
                                          const plan_notes& notes = {}) {
    detail::table table;
    detail::add_titles(table, notes);
    const auto moves = detail::moves_of(p, mine);
    long flops = 0;
    for (std::size_t i = 0; i < p.steps.size(); ++i) {
        detail::add_step(table, p, mine, notes, i, moves[i]);
        flops += mine.steps[i].flops;
    }
    std::string text = table.text();
    const auto say = [&](std::string_view words, long number) {
        text += words;
        text += std::to_string(number);
    };
    for (const auto& these : mine.slices) {
        say("steps ", these.first);
        say(" to ", these.end - 1);
        say(": ", these.images);
        say(" of ", mine.of.batch);
        text += " images at a time\n";
    }
    say("rank ", mine.of.who.rank);
    say(" of ", mine.of.who.ranks);
    say(", batch ", mine.of.batch);
    text += ": " + detail::decimal(static_cast<double>(flops) * 1e-9);
    say(" Gflop, receives ", mine.predicted.bytes_received);
    say(" bytes in ", mine.predicted.messages_received);
    say(" messages, activations ", mine.arena_bytes);
    text += " bytes";
    if (notes.cost) text += ", predicted " + detail::decimal(notes.cost->seconds * 1e3, 3) + " ms";
    return text + "\n";
}

/// The plan of a network as this rank runs it, and what it costs on a machine; nothing: a usual one.
template <class Network>
std::string describe(const Network& net, const std::optional<machine>& named = {}) {
    const machine on = machine_for<typename Network::device>(named);
    const forecast cost = forecast_of(net.steps(), net.mine().of, on);
    return describe(net.steps(), net.mine(), plan_notes{&cost, {}, {}});
}

}  // namespace mpar
