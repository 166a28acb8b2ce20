// SPDX-License-Identifier: MIT
// Packed weights kept between runs: a file for each way of packing a weight file. Knows files and
// recipes; nothing of formats and of MPI.
#pragma once

#include <mpar/core/config.hpp>
#include <mpar/io/checksum.hpp>
#include <mpar/io/file_identity.hpp>
#include <mpar/io/packed_file.hpp>
#include <mpar/net/run/packing.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpar {

/// Where packed weights are kept; an empty path: nowhere. The folder is made where it is missing,
/// and grows by a file of the weights' size for each network, weight file, ISA and seat.
struct cache_in {
    std::string folder;
};

/// How load() came by the weights.
struct loading {
    bool from_cache = false;  ///< the same on all ranks
    std::string not_kept;     ///< why the cache that was asked for has not been written, or ""
};

namespace detail {

/// The file of a cache that would hold what this rank packs of a weight file.
class cache_entry {
public:
    /// `names`: the tensors' that are read. An entry of no folder or for no file is never found.
    [[gnu::cold]] cache_entry(const cache_in& where, const std::string& source,
                              const std::vector<std::string>& names, const recipe& made_by)
        : source_(source) {
        if (where.folder.empty()) return;
        const auto identity = io::identity_of(source);
        if (!identity) return;
        std::string text = io::canonical(source) + "\n" + made_by.slots;
        for (const auto& name : names) text += "\n" + name;
        const auto both = digests(text);
        constexpr std::string_view digits = "0123456789abcdef";
        path_ = where.folder + "/";
        for (const std::uint64_t digest : both) {
            for (int shift = 60; shift >= 0; shift -= 4) path_ += digits[digest >> shift & 15];
        }
        path_ += ".packed";
        // What another version has packed is no other file, but one to be replaced.
        text += "\nmpar " + std::to_string(MPAR_VERSION) + " " + made_by.kernels;
        label_ = {digests(text), *identity};
    }

    /// Looks for it; checks this process's turn of its bytes.
    [[gnu::cold]] void open(io::packed_file::turn compared) {
        if (path_.empty()) return;
        if (auto file = io::packed_file::find(path_, label_, compared)) {
            file_ = std::make_shared<io::packed_file>(std::move(*file));
        }
    }
    const std::shared_ptr<io::packed_file>& file() const { return file_; }

    /// Writes it anew, unless it is there, whole, with those values: another rank lacked its own.
    /// throws: error(model) when it cannot be written, or the source is not at rest.
    [[gnu::cold]] void keep(std::uint64_t content, std::span<const std::byte> bytes) const {
        if (path_.empty()) return;
        const auto there = io::packed_file::find(path_, label_, {});
        if (there && there->content() == content) return;
        if (io::identity_of(source_) != label_.source || !io::has_settled(label_.source)) {
            io::refusal(fault::model, source_)("has been changed this very moment");
        }
        io::packed_file::write(path_, label_, content, bytes);
    }

private:
    static std::array<std::uint64_t, 2> digests(const std::string& text) {
        const auto bytes = std::as_bytes(std::span(text));
        return {io::checksum(bytes, 1), io::checksum(bytes, 2)};
    }

    std::string source_, path_;
    io::packed_label label_;
    std::shared_ptr<io::packed_file> file_;
};

}  // namespace detail

}  // namespace mpar
