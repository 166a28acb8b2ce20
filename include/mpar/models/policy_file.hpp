// SPDX-License-Identifier: MIT
// The policy of each layer of a net as a JSON file: written by hand or from a plan, then pinned.
// Knows names and plans; nothing of ranks.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/models/names.hpp>
#include <mpar/net/graph/walk.hpp>
#include <mpar/net/plan/lower.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpar {

/// A layer that has weights to place.
struct placed_layer {
    std::string name;  ///< as weight files have it
    operation does;
    int entry = 0;    ///< the node of the graph
    int entries = 0;  ///< nodes of the whole graph
};

/// Those of a net, in its order. `image`: one image; `layers`: their names, as parameter_names takes them.
[[gnu::cold]] inline std::vector<placed_layer> layers_to_place(
    const graph& net, const shape& image, const placing& given,
    const std::vector<std::string>& layers) {
    const auto each = unplanned(net);
    const lowered l = lower(net, image, given, std::span<const placing>(each));
    const auto names = parameter_names(l.view(), layers);
    std::vector<placed_layer> all;
    for (const auto& s : l.steps) {
        if (!has_filters(s.what)) continue;
        const std::string& weight = names.at(std::size_t(s.weights));
        all.push_back({weight.substr(0, weight.rfind('.')), s.what, s.entry, int(each.size())});
    }
    std::ranges::sort(all, {}, &placed_layer::entry);
    return all;
}

/// Those of a net's type.
template <class Net>
std::vector<placed_layer> layers_to_place() {
    return layers_to_place(graph_of<Net>, Net::input::extents, Net::input::given,
                           layer_names_of<Net>());
}

namespace detail {

/// "rows", "stage<2>"
inline std::string spelled(const placing& p) {
    const std::string name(name_of(p.how));
    return p.how == policy::stage ? name + "<" + std::to_string(p.stage) + ">" : name;
}

inline std::optional<placing> placing_spelled(std::string_view text) {
    if (!text.starts_with("stage<")) {
        const auto p = policy_named(text);
        if (!p || *p == policy::stage || *p == policy::automatic) return {};
        return *p;
    }
    int stage = -1;
    const char* const end = text.data() + text.size() - 1;
    const auto [at, wrong] = std::from_chars(text.data() + 6, end, stage);
    if (wrong != std::errc{} || at != end || *end != '>' || stage < 0 || stage > 4095) return {};
    return placing(policy::stage, stage);
}

}  // namespace detail

/// A placing for each node of the graph, as options::placed takes them; layers without weights follow.
/// throws: error(usage), one sentence, when the file names a policy or layer that there is not, or one
/// that the layer cannot follow, or leaves a layer out.
inline std::vector<placing> read_policies(const std::string& path,
                                          const std::vector<placed_layer>& layers) {
    constexpr std::size_t largest = 1 << 20;
    const io::refusal refuse(fault::usage, path);
    const auto bytes = io::read_file(path, largest, fault::usage);
    const auto* const text = reinterpret_cast<const char*>(bytes.data());
    const auto j = nlohmann::json::parse(text, text + bytes.size(), nullptr, false);
    if (!j.is_object() || !j.contains("layers") || !j["layers"].is_object()) {
        refuse("is no file of policies: {\"layers\": {\"NAME\": \"POLICY\", ...}}");
    }
    std::vector<placing> each(layers.empty() ? 0 : std::size_t(layers.front().entries));
    std::size_t placed = 0;
    for (const auto& [name, value] : j["layers"].items()) {
        const std::string words = io::printable(name);
        const auto layer = std::ranges::find(layers, name, &placed_layer::name);
        if (layer == layers.end()) refuse("names a layer that the net has not: " + words);
        const std::string spelled = value.is_string() ? value.get<std::string>() : value.dump();
        const auto p = detail::placing_spelled(spelled);
        if (!p) refuse("layer " + words + " has no policy " + io::printable(spelled));
        if (!can_follow(layer->does, p->how)) {
            refuse("layer " + words + " cannot follow " + io::printable(spelled));
        }
        each[std::size_t(layer->entry)] = *p;
        ++placed;
    }
    if (placed != layers.size()) {
        refuse("places " + std::to_string(placed) + " layers, the net has " +
               std::to_string(layers.size()));
    }
    return each;
}

/// What read_policies() reads: the policies of a plan. throws: error(input) when it cannot be written.
inline void write_policies(const std::string& path, const std::vector<placed_layer>& layers,
                           const plan& p) {
    nlohmann::ordered_json j;
    j["layers"] = nlohmann::ordered_json::object();
    for (const auto& l : layers) {
        for (const auto& s : p.steps) {
            if (s.entry == l.entry && s.weights >= 0 && has_filters(s.what)) {
                j["layers"][l.name] = detail::spelled(s.what.asks);
            }
        }
    }
    const std::string text = j.dump(2) + "\n";
    io::atomic_file file(path, fault::input);
    file.write(std::as_bytes(std::span(text)));
    file.commit();
}

}  // namespace mpar
