// SPDX-License-Identifier: MIT
// Which dict of a pickled checkpoint is the state dict, and which of its values are tensors. Knows
// torch's pickles and the habits of training scripts; nothing of storages and bytes.
#pragma once

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

    /// The state dict. `key`: where it stands, or "": the one that there is, or that stands under a
    /// plain key, or the top itself. throws: by `refuse`, with the keys that there are, when it is
    /// not there or not clear.
    [[gnu::cold]] const pickle_object& state_dict(std::string_view key) const {
        const auto* top = content_.as(pickle_object::kind::dict, content_.top);
        if (!top && content_.top.which == pickle_value::kind::opaque)
            whole_module(content_.top, "");
        if (!top) refuse_("the pickle is no state dict: its value is no dict");
        growing<std::string_view> keys;
        const pickle_object *found = nullptr, *plain = nullptr;
        int plain_ones = 0;
        for (std::size_t i = 0; i < top->items.size(); i += 2) {
            const auto& name = top->items[i];
            const auto* inner = state_dict_of(top->items[i + 1]);
            if (name.which != pickle_value::kind::text || !inner) continue;
            if (name.text == key) return *inner;
            keys.push_back(name.text);
            found = inner;
            if (is_plain(name.text)) plain = inner, ++plain_ones;
        }
        if (!key.empty()) no_such(key, keys, *top);
        if (plain_ones == 1) return *plain;
        if (plain_ones == 0 && holds_tensors(*top)) return *top;
        if (plain_ones == 0 && keys.size() == 1) return *found;
        if (keys.size() > 1) {
            refuse_("has several state dicts, give the key of one: " + listed(keys));
        }
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
    static std::string_view named(const pickle_object& call) {
        return torch_globals[static_cast<std::size_t>(call.callee)].name;
    }

    static bool is_plain(std::string_view key) {
        for (const auto plain : plain_keys) {
            if (key == plain) return true;
        }
        return false;
    }

    bool holds_tensors(const pickle_object& dict) const {
        for (std::size_t i = 0; i < dict.items.size(); i += 2) {
            const auto& key = dict.items[i];
            if (key.which == pickle_value::kind::text && tensor(dict.items[i + 1])) return true;
        }
        return false;
    }

    const pickle_object* state_dict_of(const pickle_value& value) const {
        const auto* dict = content_.as(pickle_object::kind::dict, value);
        return dict && holds_tensors(*dict) ? dict : nullptr;
    }

    /// "'model', 'model_ema'", as many as a sentence has room for.
    [[gnu::cold]] static std::string listed(const growing<std::string_view>& keys) {
        std::string all;
        for (const auto key : keys) {
            const std::string next = (all.empty() ? "'" : ", '") + printable(key, 32) + "'";
            if (all.size() + next.size() > 120) return all + " ...";
            all += next;
        }
        return all;
    }

    [[noreturn, gnu::cold]] void no_such(std::string_view key,
                                         const growing<std::string_view>& keys,
                                         const pickle_object& top) const {
        for (std::size_t i = 0; i < top.items.size(); i += 2) {
            const auto& value = top.items[i + 1];
            if (top.items[i].is_text(key) && value.which == pickle_value::kind::opaque) {
                whole_module(value, key);
            }
        }
        refuse_("has no state dict under the key '" + printable(key, 32) + "'; " +
                (keys.empty() ? "it has none under any key" : "there are: " + listed(keys)));
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
};

}  // namespace mpar::io::detail
