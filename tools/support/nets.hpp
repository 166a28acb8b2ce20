// SPDX-License-Identifier: MIT
// The nets that programs offer by name, as values. Knows no network and no option.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/models/cspdarknet.hpp>
#include <mpar/models/densenet.hpp>
#include <mpar/models/efficientnet_lite.hpp>
#include <mpar/models/names.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/graph/walk.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tools {

/// A net as a value, and what its layers are called in weight files.
struct net_offer {
    std::string_view name;
    mpar::graph net;
    mpar::shape image;
    mpar::placing given;
    std::vector<std::vector<std::string>> (*spellings)();  ///< of its layers' names
};

template <class Net>
constexpr net_offer offer_of(std::string_view name) {
    return {name, mpar::graph_of<Net>, Net::input::extents, Net::input::given,
            &mpar::spellings_of<Net>};
}

inline constexpr net_offer offers[] = {
    offer_of<mpar::resnet18>("resnet18"),
    offer_of<mpar::resnet34>("resnet34"),
    offer_of<mpar::resnet50>("resnet50"),
    offer_of<mpar::resnet101>("resnet101"),
    offer_of<mpar::resnet152>("resnet152"),
    offer_of<mpar::densenet121>("densenet121"),
    offer_of<mpar::densenet169>("densenet169"),
    offer_of<mpar::densenet201>("densenet201"),
    offer_of<mpar::cspdarknet53>("cspdarknet53"),
    offer_of<mpar::efficientnet_lite0>("efficientnet_lite0"),
};

/// `besides`: what else the program would have taken. throws: error(usage) when there is no such net.
inline const net_offer& offer_named(std::string_view name, std::string_view besides = {}) {
    std::string known;
    for (const auto& o : offers) {
        if (o.name == name) return o;
        known += (known.empty() ? "" : ", ") + std::string(o.name);
    }
    if (!besides.empty()) known += ", " + std::string(besides);
    throw mpar::error(mpar::fault::usage,
                      "mpar: there is no model " + std::string(name) + "; there are " + known);
}

}  // namespace tools
