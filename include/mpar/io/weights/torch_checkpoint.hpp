// SPDX-License-Identifier: MIT
// Which dict of a pickled checkpoint is the state dict, and which of its values are tensors. Knows
// torch's pickles and the habits of training scripts; nothing of storages and bytes.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/weights/pickle.hpp>
#include <mpar/io/weights/stored_tensor.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace mpar::io::detail {

/// The names of torch that mean something here; the storages' element types follow.
inline constexpr std::array<pickle_global, 13> torch_globals{{
    {"torch._utils", "_rebuild_tensor_v2"},
    {"torch._utils", "_rebuild_tensor"},
    {"torch._utils", "_rebuild_parameter"},
    {"torch", "FloatStorage"},
    {"torch", "DoubleStorage"},
    {"torch", "HalfStorage"},
    {"torch", "BFloat16Storage"},
    {"torch", "LongStorage"},
    {"torch", "IntStorage"},
    {"torch", "ShortStorage"},
    {"torch", "CharStorage"},
    {"torch", "ByteStorage"},
    {"torch", "BoolStorage"},
}};
inline constexpr std::size_t first_torch_storage = 3;
inline constexpr std::array<dtype, 10> torch_storage_types{
    dtype::f32, dtype::f64, dtype::f16, dtype::bf16, dtype::i64,
    dtype::i32, dtype::i16, dtype::i8,  dtype::u8,   dtype::boolean};

/// The keys under which training scripts put the weights that they train.
inline constexpr std::array<std::string_view, 6> plain_keys{
    "state_dict", "model_state_dict", "model", "net", "network", "module"};

/// What a file of torch.save holds at its top.
class torch_checkpoint {
public:
    torch_checkpoint(const pickle& content, const refusal& refuse)
        : content_(content), refuse_(refuse) {}

    /// The call that rebuilds the tensor which `value` is, out of its Parameter too; or nullptr.
    const pickle_object* tensor(const pickle_value& value) const {
        const auto* call = content_.as(pickle_object::kind::call, value);
        if (call && named(*call) == "_rebuild_parameter" && !call->items.empty()) {
            call = content_.as(pickle_object::kind::call, call->items.front());
        }
        return call && named(*call).starts_with("_rebuild_tensor") ? call : nullptr;
    }

    /// The state dict. `key`: where it stands ("model", "model.state_dict"), or "": the one that there
    /// is, or that stands under plain keys, or the top itself. throws: by `refuse`, with the keys that
    /// there are, when it is not there or not clear.
    [[gnu::cold]] const pickle_object& state_dict(std::string_view key) const {
        const auto* top = content_.as(pickle_object::kind::dict, content_.top);
        if (!top && content_.top.which == pickle_value::kind::opaque)
            whole_module(content_.top, "");
        if (!top) refuse_("the pickle is no state dict: its value is no dict");
        const found_dicts found = find_dicts(*top);
        if (!key.empty()) return asked(key, found, *top);
        for (const auto* of_one_depth : {&found.outer, &found.inner}) {
            const found_dict* plain = nullptr;
            int plain_ones = 0;
            for (const auto& one : *of_one_depth) {
                if (one.plainness() == 2) plain = &one, ++plain_ones;
            }
            if (plain_ones == 1) return *plain->dict;
            if (plain_ones > 1) not_clear(*of_one_depth);
        }
        if (holds_tensors(*top)) return *top;
        if (found.outer.size() == 1) return *found.outer.front().dict;
        if (found.outer.size() > 1) not_clear(found.outer);
        growing<found_dict> likely;  // "generator.state_dict", not "optimizer.exp_avg"
        for (const auto& one : found.inner) {
            if (one.plainness() > 0) likely.push_back(one);
        }
        if (likely.size() == 1) return *likely.front().dict;
        if (likely.size() > 1) not_clear(likely);
        for (std::size_t i = 0; i < top->items.size(); i += 2) {
            const auto& value = top->items[i + 1];
            const auto& name = top->items[i];
            if (is_plain(name.text) && value.which == pickle_value::kind::opaque) {
                whole_module(value, name.text);
            }
        }
        return *top;
    }

private:
    /// A state dict within the file's dict: under the key `name`, or under `name` and there `then`.
    struct found_dict {
        std::string_view name, then;
        const pickle_object* dict = nullptr;

        /// 2: by all of its keys it is the weights that are trained; 1: by one of two keys.
        int plainness() const {
            return is_plain(name) + (then.empty() ? is_plain(name) : is_plain(then));
        }
        bool is_under(std::string_view key) const {
            if (then.empty()) return key == name;
            return key.size() == name.size() + 1 + then.size() && key.starts_with(name) &&
                   key.ends_with(then) && key[name.size()] == '.';
        }
    };
    struct found_dicts {
        growing<found_dict> outer, inner;  ///< under one key, and under two
    };

    [[gnu::cold]] found_dicts find_dicts(const pickle_object& top) const {
        found_dicts found;
        each_dict(top, [&](std::string_view name, const pickle_object& dict) {
            if (holds_tensors(dict)) return found.outer.push_back({name, {}, &dict});
            each_dict(dict, [&](std::string_view then, const pickle_object& inner) {
                if (holds_tensors(inner)) found.inner.push_back({name, then, &inner});
            });
        });
        return found;
    }

    /// Calls f(key, dict) for the dicts that a dict has under texts.
    template <class F>
    void each_dict(const pickle_object& dict, const F& f) const {
        for (std::size_t i = 0; i < dict.items.size(); i += 2) {
            look();
            const auto& key = dict.items[i];
            const auto* value = content_.as(pickle_object::kind::dict, dict.items[i + 1]);
            if (value && key.which == pickle_value::kind::text && !key.text.empty()) {
                f(key.text, *value);
            }
        }
    }

    bool holds_tensors(const pickle_object& dict) const {
        for (std::size_t i = 0; i < dict.items.size(); i += 2) {
            look();
            const auto& key = dict.items[i];
            if (key.which == pickle_value::kind::text && tensor(dict.items[i + 1])) return true;
        }
        return false;
    }

    /// Counts the items that are looked at: a dict may stand in many places of a small file.
    void look() const {
        constexpr long most = 10'000'000;
        if (++looked_ > most) refuse_("holds dicts within each other in too many ways");
    }

    static std::string_view named(const pickle_object& call) {
        return torch_globals[static_cast<std::size_t>(call.callee)].name;
    }

    static bool is_plain(std::string_view key) {
        for (const auto plain : plain_keys) {
            if (key == plain) return true;
        }
        return false;
    }

    [[noreturn, gnu::cold]] void not_clear(const growing<found_dict>& found) const {
        refuse_("has several state dicts, give the key of one: " + listed(found));
    }

    /// "'model', 'generator.state_dict'", as many as a sentence has room for.
    [[gnu::cold]] static std::string listed(const growing<found_dict>& found,
                                            std::string all = {}) {
        for (const auto& one : found) {
            const std::string next = (all.empty() ? "'" : ", '") + printable(one.name, 32) +
                                     (one.then.empty() ? "'" : "." + printable(one.then, 32) + "'");
            if (all.size() + next.size() > 120) return all + " ...";
            all += next;
        }
        return all;
    }

    [[gnu::cold]] const pickle_object& asked(std::string_view key, const found_dicts& found,
                                             const pickle_object& top) const {
        for (const auto* of_one_depth : {&found.outer, &found.inner}) {
            for (const auto& one : *of_one_depth) {
                if (one.is_under(key)) return *one.dict;
            }
        }
        for (std::size_t i = 0; i < top.items.size(); i += 2) {
            const auto& value = top.items[i + 1];
            if (top.items[i].is_text(key) && value.which == pickle_value::kind::opaque) {
                whole_module(value, key);
            }
        }
        const std::string there = listed(found.inner, listed(found.outer));
        refuse_("has no state dict under the key '" + printable(key, 32) + "'; " +
                (there.empty() ? "it has none under any key" : "there are: " + there));
    }

    /// `key`: where in the file it stands, or "": it is all.
    [[noreturn, gnu::cold]] void whole_module(const pickle_value& value,
                                              std::string_view key) const {
        refuse_("holds no state dict but an object of class '" + printable(value.class_name()) +
                "'; save it once in Python: torch.save(torch.load(OLD, weights_only=False)" +
                (key.empty() ? "" : "['" + printable(key, 32) + "']") + ".state_dict(), NEW)");
    }

    const pickle& content_;
    const refusal& refuse_;
    mutable long looked_ = 0;
};

}  // namespace mpar::io::detail
