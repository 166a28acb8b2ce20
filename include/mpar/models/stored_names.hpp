// SPDX-License-Identifier: MIT
// Which tensor of a file is which parameter: below what prefix, and in whose spelling. Knows names;
// nothing of plans and values.
#pragma once

#include <mpar/io/tensor_file.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpar::detail {

/// Whether it is a number that a state dict has beside parameters: batches that a norm has seen, or the
/// models of which torch's AveragedModel is the mean.
inline bool is_counter(std::string_view name) {
    return name == "n_averaged" || name.ends_with("num_batches_tracked");
}

/// The tensors of one file by the number of their parameter. requires: the file outlives it.
class stored_names {
public:
    /// `spellings`: one list or more of the parameters' names, all in the same order. Files of data
    /// parallel or compiled training have a prefix before all names ("module.", "_orig_mod."): of
    /// the spellings and of the prefixes that all tensors have, the pair is taken by which the most
    /// parameters are found; of equals, the first spelling and the shortest prefix.
    [[gnu::cold]] stored_names(const std::vector<std::vector<std::string>>& spellings,
                               const io::tensor_file& file)
        : file_(file) {
        std::size_t most = 0;
        const std::string common = common_prefix(file.tensors());
        for (const auto& names : spellings) {
            for (std::size_t end = 0;;) {
                const auto prefix = common.substr(0, end);
                std::vector<const io::stored_tensor*> found;
                std::size_t there = 0;
                for (const auto& name : names) {
                    found.push_back(file_.find(prefix + name));
                    there += found.back() != nullptr;
                }
                if (found_.empty() || there > most) {
                    most = there, found_ = found, prefix_ = prefix, names_ = names;
                }
                end = common.find('.', end) + 1;
                if (end == 0) break;
            }
        }
    }

    /// The tensor of parameter i, or nullptr when it is missing.
    const io::stored_tensor* operator[](std::size_t i) const { return found_[i]; }

    /// What the file calls parameter i, or would call it.
    std::string name(std::size_t i) const { return prefix_ + names_[i]; }

    /// ", the file has 'layer1.0.conv1.weight' [64, 64, 3, 3], ...": up to three tensors that are no
    /// parameter, those first whose names are the most like that of parameter i. A tensor of the
    /// same shape counts as if five letters more were the same. "": there are none.
    [[gnu::cold]] std::string nearest(std::size_t i, const std::vector<std::int64_t>& shape) const {
        const std::string wanted = name(i);
        const auto tensors = file_.tensors();
        std::vector<int> likeness(tensors.size(), 0);  // below 0: is not to be named
        for (std::size_t k = 0; k < tensors.size(); ++k) {
            likeness[k] =
                same_letters(tensors[k].name, wanted) + (tensors[k].shape == shape ? 5 : 0);
            if (is_counter(tensors[k].name)) likeness[k] = -1;
        }
        for (const auto* tensor : found_) {
            if (tensor) likeness[std::size_t(tensor - tensors.data())] = -1;
        }
        std::string text;
        for (int said = 0; said < 3; ++said) {
            std::size_t best = 0;
            for (std::size_t k = 1; k < tensors.size(); ++k) {
                if (likeness[k] > likeness[best]) best = k;
            }
            if (tensors.empty() || likeness[best] < 0) break;
            text += (said ? ", '" : ", the file has '") + io::printable(tensors[best].name) + "' " +
                    io::spelled(tensors[best].shape);
            likeness[best] = -1;
        }
        return text;
    }

private:
    /// The part before and with a dot that all names begin with, but for counters; "" when there is none.
    [[gnu::cold]] static std::string common_prefix(std::span<const io::stored_tensor> tensors) {
        std::optional<std::string_view> all;
        for (const auto& tensor : tensors) {
            if (is_counter(tensor.name)) continue;
            const auto before = all.value_or(tensor.name);
            all = before.substr(0, same_from_front(before, tensor.name));
        }
        const std::string_view common = all.value_or("");
        return std::string(common.substr(0, common.rfind('.') + 1));
    }

    /// From the front, and of the rest from the back.
    static int same_letters(std::string_view a, std::string_view b) {
        const std::size_t front = same_from_front(a, b);
        a.remove_prefix(front), b.remove_prefix(front);
        std::size_t back = 0;
        while (back < a.size() && back < b.size() &&
               a[a.size() - 1 - back] == b[b.size() - 1 - back])
            ++back;
        return int(front + back);
    }

    static std::size_t same_from_front(std::string_view a, std::string_view b) {
        std::size_t same = 0;
        while (same < a.size() && same < b.size() && a[same] == b[same]) ++same;
        return same;
    }

    const io::tensor_file& file_;
    std::vector<std::string> names_;
    std::string prefix_;
    std::vector<const io::stored_tensor*> found_;
};

}  // namespace mpar::detail
