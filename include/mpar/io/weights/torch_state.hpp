// SPDX-License-Identifier: MIT
// The tensors that a pickled PyTorch state dict describes. Knows torch's pickles; not how files of
// torch.save lay out their bytes.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/core/numeric.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/weights/pickle.hpp>
#include <mpar/io/weights/stored_tensor.hpp>
#include <mpar/io/weights/torch_checkpoint.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mpar::io::detail {

/// A run of elements that tensors are windows into.
struct torch_storage {
    std::string_view key;
    std::optional<dtype> type;  ///< nothing: one that is not known
    std::string type_name;      ///< for messages
    std::uint64_t count = 0;
    std::span<const std::byte> bytes = {};  ///< to be filled in by who knows the file

    /// In bytes; nothing when that is not known or does not fit.
    std::optional<std::uint64_t> length() const {
        if (!type) return std::nullopt;
        return checked_multiply(count, static_cast<std::uint64_t>(size_of(*type)));
    }
};

/// Reads a pickle as a state dict: either it is one, or it holds one beside what is passed over.
class torch_state {
public:
    /// throws: by `refuse` when what the pickle refers to is no storage.
    [[gnu::cold]] torch_state(const pickle& content, const refusal& refuse)
        : content_(content), checkpoint_(content, refuse), refuse_(refuse) {
        for (const auto& one : content_.objects) {
            if (one.which == object::kind::persistent) add_storage(one.items.front());
        }
    }

    /// Every storage that the pickle mentions, reachable from the state dict or not.
    std::span<torch_storage> storages() { return storages_; }

    /// The storage of that key, or nullptr.
    torch_storage* find(std::string_view key) {
        const auto found = by_key_.find(key);
        return found == by_key_.end() ? nullptr : &storages_[found->second];
    }

    /// The tensors of the state dict under `key` ("": the plain one) in its order. Those whose elements do not lie in row-major order are
    /// copied into `copies`, of which there may be `limit` bytes in all. requires: the storages'
    /// bytes are filled in.
    [[gnu::cold]] growing<stored_tensor> tensors(std::string_view key,
                                                 growing<std::vector<std::byte>>& copies,
                                                 std::uint64_t limit) {
        const auto& items = checkpoint_.state_dict(key).items;
        growing<stored_tensor> tensors;
        tensors.reserve(items.size() / 2);
        for (std::size_t i = 0; i < items.size(); i += 2) {
            if (items[i].which != pickle_value::kind::text) {
                refuse_("the state dict has a key that is no text");
            }
            tensors.push_back(tensor(items[i].text, items[i + 1], copies, limit));
        }
        return tensors;
    }

private:
    using kind = pickle_value::kind;
    using object = pickle_object;

    struct window {
        std::uint64_t offset = 0;
        std::vector<std::int64_t> shape, strides;  ///< in elements
    };

    /// ('storage', FloatStorage, key, location, count[, None])
    [[gnu::cold]] void add_storage(const pickle_value& id) {
        const object* parts = content_.as(object::kind::tuple, id);
        if (parts && parts->items.size() > 1 && parts->items[0].is_text("module")) return;
        if (!parts || parts->items.size() < 5 || parts->items.size() > 6 ||
            !parts->items[0].is_text("storage") || parts->items[2].which != kind::text) {
            refuse_("the pickle refers to something that is no storage");
        }
        const auto& key = parts->items[2].text;
        const auto& type = parts->items[1];
        const auto first = static_cast<std::int64_t>(first_torch_storage);
        const bool is_known = type.which == kind::global && type.number >= first;
        if (!is_known && type.which != kind::opaque) {
            refuse_("storage '" + printable(key) + "' has no storage type");
        }
        if (parts->items.size() == 6 && parts->items[5].which != kind::none) {
            refuse_("storage '" + printable(key) + "' is a view of another");
        }
        torch_storage storage{
            key, std::nullopt, type.class_name(),
            natural(parts->items[4], "storage '" + printable(key) + "' has a count")};
        if (is_known) {
            storage.type = torch_storage_types[static_cast<std::size_t>(type.number - first)];
            storage.type_name = name_of(*storage.type);
        }
        const auto [place, added] = by_key_.emplace(key, storages_.size());
        if (added) {
            storages_.push_back(storage);
        } else if (const auto& known = storages_[place->second];
                   known.type_name != storage.type_name || known.count != storage.count) {
            refuse_("storage '" + printable(key) + "' is described in two ways");
        }
    }

    [[gnu::cold]] stored_tensor tensor(std::string_view name, const pickle_value& value,
                                       growing<std::vector<std::byte>>& copies,
                                       std::uint64_t& limit) {
        const std::string subject = "tensor '" + printable(name) + "' ";
        const object* call = checkpoint_.tensor(value);
        if (!call) {
            refuse_("entry '" + printable(name) + "' of the state dict is no tensor" +
                    (value.which == kind::opaque
                         ? ", but of type '" + printable(value.class_name(), 64) + "'"
                         : ""));
        }
        const auto& items = call->items;
        if (items.size() < 4) refuse_(subject + "is rebuilt from too few values");
        const object* id = content_.as(object::kind::persistent, items[0]);
        if (!id) refuse_(subject + "has no storage");
        const auto& parts = content_.as(object::kind::tuple, id->items.front())->items;
        if (!parts[0].is_text("storage")) refuse_(subject + "has no storage");
        const torch_storage& storage = *find(parts[2].text);
        if (!storage.type) {
            refuse_(subject + "has elements of type '" + printable(storage.type_name) +
                    "', which is not read");
        }
        window view{natural(items[1], subject + "has an offset"),
                    extents(items[2], subject + "has a shape"),
                    extents(items[3], subject + "has strides")};
        return {std::string(name), *storage.type, view.shape,
                elements(view, storage, subject, copies, limit)};
    }

    std::uint64_t natural(const pickle_value& value, const std::string& what) const {
        if (value.which != kind::integer || value.number < 0) {
            refuse_(what + " that is no number of 0 or more");
        }
        return static_cast<std::uint64_t>(value.number);
    }

    [[gnu::cold]] std::vector<std::int64_t> extents(const pickle_value& value,
                                                    const std::string& what) const {
        const object* tuple = content_.as(object::kind::tuple, value);
        if (!tuple) refuse_(what + " that is no tuple");
        if (tuple->items.size() > max_rank) {
            refuse_(what + " of more than " + std::to_string(max_rank) + " dimensions");
        }
        std::vector<std::int64_t> numbers;
        for (const auto& item : tuple->items) {
            numbers.push_back(static_cast<std::int64_t>(natural(item, what)));
        }
        return numbers;
    }

    std::span<const std::byte> elements(window& view, const torch_storage& storage,
                                        const std::string& subject,
                                        growing<std::vector<std::byte>>& copies,
                                        std::uint64_t& limit) const {
        if (view.shape.size() != view.strides.size()) {
            refuse_(subject + "has " + std::to_string(view.shape.size()) + " extents and " +
                    std::to_string(view.strides.size()) + " strides");
        }
        const auto bytes = bytes_of(*storage.type, view.shape);
        if (!bytes) refuse_(subject + "has a shape whose size does not fit in 64 bits");
        const auto size = static_cast<std::uint64_t>(size_of(*storage.type));
        const std::uint64_t count = *bytes / size;
        if (view.offset > storage.count) outside(view, storage, subject);
        if (count == 0) return storage.bytes.first(0);
        if (count > storage.count) {
            refuse_(subject + "has " + std::to_string(count) + " elements, its storage " +
                    std::to_string(storage.count));
        }
        std::uint64_t last = view.offset, dense = 1;
        bool in_order = true;
        for (std::size_t d = view.shape.size(); d-- > 0;) {
            if (view.shape[d] == 1) view.strides[d] = 0;  // any: it is never taken
            const auto extent = static_cast<std::uint64_t>(view.shape[d]);
            const auto stride = static_cast<std::uint64_t>(view.strides[d]);
            const auto reach = checked_multiply(extent - 1, stride);
            const auto sum = reach ? checked_add(last, *reach) : std::nullopt;
            if (!sum) outside(view, storage, subject);
            last = *sum;
            if (extent > 1 && stride != dense) in_order = false;
            dense *= extent;
        }
        if (last >= storage.count) outside(view, storage, subject);
        if (in_order) return storage.bytes.subspan(view.offset * size, *bytes);
        if (*bytes > limit) {
            refuse_(subject + "and those before it take more memory, put in order, than the file");
        }
        limit -= *bytes;
        return copies.emplace_back(in_row_major_order(view, storage, count));
    }

    [[noreturn]] void outside(const window& view, const torch_storage& storage,
                              const std::string& subject) const {
        refuse_(subject + "at offset " + std::to_string(view.offset) + " reaches beyond the " +
                std::to_string(storage.count) + " elements of storage '" +
                printable(storage.key, 24) + "'");
    }

    /// requires: the window lies within the storage.
    static std::vector<std::byte> in_row_major_order(const window& view,
                                                     const torch_storage& storage,
                                                     std::uint64_t count) {
        const auto size = static_cast<std::size_t>(size_of(*storage.type));
        std::vector<std::byte> copy(count * size);
        std::array<std::int64_t, max_rank> index{};
        auto from = static_cast<std::int64_t>(view.offset);
        for (std::size_t to = 0; to < copy.size(); to += size) {
            std::memcpy(copy.data() + to,
                        storage.bytes.data() + static_cast<std::size_t>(from) * size, size);
            for (std::size_t d = view.shape.size(); d-- > 0;) {
                from += view.strides[d];
                if (++index[d] < view.shape[d]) break;
                from -= view.strides[d] * view.shape[d];
                index[d] = 0;
            }
        }
        return copy;
    }

    const pickle& content_;
    torch_checkpoint checkpoint_;
    const refusal& refuse_;
    growing<torch_storage> storages_;
    std::unordered_map<std::string_view, std::size_t> by_key_;
};

}  // namespace mpar::io::detail
