// SPDX-License-Identifier: MIT
// A JSON file of constants, each of which must be there and be known. Knows not what they mean.
#pragma once

#include <mpar/io/file.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace mpar::detail {

/// {"work", "dense", "flop"} -> "work.dense.flop"
inline std::string dotted(const std::vector<std::string>& where) {
    std::string name;
    for (const auto& part : where) name += (name.empty() ? "" : ".") + part;
    return name;
}

/// Reads constants by their place in the file, and counts them, so that unknown ones are found.
class constants_file {
public:
    /// `kind`: "machine" for a file that begins with "mpar_machine": 1. `made`: how one comes by it.
    /// throws: error(usage), one sentence that begins with the path, as all that follow do.
    constants_file(const std::string& path, const std::string& kind, const std::string& made)
        : refuse_(fault::usage, path) {
        constexpr std::size_t largest = 1 << 16;
        const auto bytes = io::read_file(path, largest, fault::usage);
        const auto* const text = reinterpret_cast<const char*>(bytes.data());
        all_ = nlohmann::json::parse(text, text + bytes.size(), nullptr, false);
        const std::string mark = "mpar_" + kind;
        if (!all_.is_object() || !all_.contains(mark)) {
            refuse_("is no " + kind + " file: " + made);
        }
        if (all_[mark] != 1) refuse_("is a " + kind + " file of another version than 1");
    }

    /// The value that stands there, which counts as known from now on.
    const nlohmann::json& at(const std::vector<std::string>& where) {
        const nlohmann::json* at = &all_;
        for (const auto& part : where) {
            if (!at->is_object() || !at->contains(part)) refuse_("has no " + dotted(where));
            at = &(*at)[part];
        }
        ++known_;
        return *at;
    }
    double seconds(const std::vector<std::string>& where) {
        const auto& found = at(where);
        const double value = found.is_number() ? found.get<double>() : -1;
        if (!std::isfinite(value) || value < 0 || value > 1) {
            refuse_(dotted(where) + " is no number of seconds from 0 to 1");
        }
        return value;
    }
    /// A whole number from `least` to a million. `wanted` has the words for what it is not.
    int count(const std::string& name, int least, const std::string& wanted) {
        const auto& found = at({name});
        if (!found.is_number_integer() || found < least || found > 1'000'000) {
            refuse_(name + " is no " + wanted);
        }
        return found.get<int>();
    }
    /// Refuses what is not known, after all have been read. `what` says which others there may be.
    void end(const std::string& what) const {
        if (leaves(all_) != known_) refuse_("has " + what + " that mpar does not know");
    }
    [[noreturn]] void refuse(const std::string& words) const { refuse_(words); }

private:
    /// The number of values, however deep.
    static std::size_t leaves(const nlohmann::json& j) {
        if (!j.is_object()) return 1;
        std::size_t sum = 0;
        for (const auto& inner : j) sum += leaves(inner);
        return sum;
    }

    io::refusal refuse_;
    nlohmann::json all_;
    std::size_t known_ = 1;  // the mark
};

}  // namespace mpar::detail
