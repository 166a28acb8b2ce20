// SPDX-License-Identifier: MIT
// The directory of a zip archive whose entries are stored uncompressed. Knows zip and zip64;
// inflates nothing, writes nothing.
#pragma once

#include <mpar/core/growing.hpp>
#include <mpar/core/order.hpp>
#include <mpar/io/parse/cursor.hpp>
#include <mpar/io/parse/refusal.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace mpar::io {

/// One stored file of an archive.
struct zip_entry {
    std::string_view name;
    std::span<const std::byte> bytes;
};

namespace detail {

/// Reads the archive's end, its directory and each local header (PKWARE's APPNOTE 4.3).
class zip_reader {
public:
    zip_reader(std::span<const std::byte> file, const refusal& refuse)
        : file_(file), refuse_(refuse) {}

    [[gnu::cold]] growing<zip_entry> read() {
        const end_record end = read_end();
        cursor directory(file_.first(end.directory + end.bytes), end.directory, refuse_);
        if (end.entries > end.bytes / central_bytes) {
            refuse_("the zip directory of " + std::to_string(end.bytes) +
                    " bytes cannot hold its " + std::to_string(end.entries) + " entries");
        }
        growing<placed> all;
        all.reserve(end.entries);
        for (std::uint64_t i = 0; i < end.entries; ++i) {
            all.push_back(read_entry(directory, end.directory));
        }
        if (directory.left() != 0) refuse_("the zip directory goes on after its last entry");
        refuse_overlaps(all);
        growing<zip_entry> entries;
        entries.reserve(all.size());
        for (const auto i : order_of(all.size(), [&](std::uint32_t a, std::uint32_t b) {
                 return all[a].entry.name < all[b].entry.name;
             })) {
            const zip_entry& one = all[i].entry;
            if (!entries.empty() && entries.back().name == one.name) {
                refuse_("zip entry '" + printable(one.name) + "' occurs twice");
            }
            entries.push_back(one);
        }
        return entries;
    }

private:
    static constexpr std::uint32_t local_mark = 0x04034b50, central_mark = 0x02014b50,
                                   end_mark = 0x06054b50, end64_mark = 0x06064b50,
                                   locator_mark = 0x07064b50;
    static constexpr std::size_t central_bytes = 46, end_bytes = 22, locator_bytes = 20,
                                 end64_bytes = 56;
    static constexpr std::uint32_t in_zip64 = 0xffffffff;

    struct end_record {
        std::uint64_t entries = 0, bytes = 0, directory = 0;
    };
    struct placed {
        zip_entry entry;
        std::uint64_t begin = 0, end = 0;  ///< of local header and data
    };

    [[gnu::cold]] end_record read_end() const {
        if (file_.size() < end_bytes) refuse_("the zip archive has no end record");
        std::uint64_t limit = file_.size() - end_bytes;
        cursor from(file_, limit, refuse_);
        if (from.number<std::uint32_t>() != end_mark) {
            refuse_("the zip archive's end record is not at byte " + std::to_string(limit) +
                    ": it is cut off or has a comment");
        }
        from.take(4);  // numbers of disks
        from.take(2);
        end_record end;
        end.entries = from.number<std::uint16_t>();
        end.bytes = from.number<std::uint32_t>();
        end.directory = from.number<std::uint32_t>();
        if (from.number<std::uint16_t>() != 0) refuse_("the zip archive has a comment");
        if (limit >= locator_bytes) {
            cursor locator(file_, limit - locator_bytes, refuse_);
            if (locator.number<std::uint32_t>() == locator_mark) {
                locator.take(4);
                const auto at = locator.number<std::uint64_t>();
                limit -= locator_bytes;
                if (limit < end64_bytes || at > limit - end64_bytes) {
                    refuse_("the zip64 end record lies outside the file");
                }
                limit = at;
                end = read_end64(at);
            }
        }
        if (end.bytes > limit || end.directory != limit - end.bytes) {
            refuse_("the zip directory of " + std::to_string(end.bytes) + " bytes at byte " +
                    std::to_string(end.directory) + " does not end at byte " +
                    std::to_string(limit));
        }
        return end;
    }

    [[gnu::cold]] end_record read_end64(std::uint64_t at) const {
        cursor from(file_, at, refuse_);
        if (from.number<std::uint32_t>() != end64_mark) {
            refuse_("the zip64 end record is not at byte " + std::to_string(at));
        }
        from.take(8 + 2 + 2 + 4 + 4 + 8);  // own length, versions, disks, entries on this disk
        end_record end;
        end.entries = from.number<std::uint64_t>();
        end.bytes = from.number<std::uint64_t>();
        end.directory = from.number<std::uint64_t>();
        return end;
    }

    [[gnu::cold]] placed read_entry(cursor& directory, std::uint64_t data_end) const {
        const std::size_t at = directory.position();
        if (directory.number<std::uint32_t>() != central_mark) {
            refuse_("there is no zip directory entry at byte " + std::to_string(at));
        }
        directory.take(4);  // versions
        const auto flags = directory.number<std::uint16_t>();
        const auto method = directory.number<std::uint16_t>();
        directory.take(8);  // time, CRC
        std::uint64_t packed = directory.number<std::uint32_t>();
        std::uint64_t size = directory.number<std::uint32_t>();
        const auto name_bytes = directory.number<std::uint16_t>();
        const auto extra_bytes = directory.number<std::uint16_t>();
        const auto comment_bytes = directory.number<std::uint16_t>();
        directory.take(8);  // disk, attributes
        std::uint64_t begin = directory.number<std::uint32_t>();
        const auto name = directory.text(name_bytes);
        const auto extra = directory.take(extra_bytes);
        directory.take(comment_bytes);

        const std::string subject = "zip entry '" + printable(name) + "' ";
        if (method != 0) refuse_(subject + "is compressed, method " + std::to_string(method));
        if (flags & 1) refuse_(subject + "is encrypted");
        widen(extra, subject, {&size, &packed, &begin});
        if (size != packed) refuse_(subject + "has two different sizes");
        return read_local({{name, {}}, begin, 0}, size, data_end, subject);
    }

    /// Fields that were too small for their value stand in the zip64 extra field, in this order.
    [[gnu::cold]] void widen(std::span<const std::byte> extra, const std::string& subject,
                             std::initializer_list<std::uint64_t*> fields) const {
        cursor from(extra, 0, refuse_);
        while (from.left() >= 4) {
            const auto id = from.number<std::uint16_t>();
            const auto bytes = from.take(from.number<std::uint16_t>());
            if (id != 1) continue;
            cursor wide(bytes, 0, refuse_);
            for (auto* field : fields) {
                if (*field == in_zip64) *field = wide.number<std::uint64_t>();
            }
            return;
        }
        for (const auto* field : fields) {
            if (*field == in_zip64) refuse_(subject + "lacks its zip64 field");
        }
    }

    [[gnu::cold]] placed read_local(placed found, std::uint64_t size, std::uint64_t data_end,
                                    const std::string& subject) const {
        if (found.begin > data_end) {
            refuse_(subject + "begins at byte " + std::to_string(found.begin) +
                    ", after the last data");
        }
        cursor from(file_.first(data_end), found.begin, refuse_);
        if (from.number<std::uint32_t>() != local_mark) {
            refuse_(subject + "has no local header at byte " + std::to_string(found.begin));
        }
        from.take(2);  // version
        const auto flags = from.number<std::uint16_t>();
        const auto method = from.number<std::uint16_t>();
        from.take(8);  // time, CRC
        const auto packed = from.number<std::uint32_t>(), plain = from.number<std::uint32_t>();
        const auto name_bytes = from.number<std::uint16_t>();
        const auto extra_bytes = from.number<std::uint16_t>();
        const bool sizes_follow = (flags & 8) != 0 || packed == in_zip64;
        if (from.text(name_bytes) != found.entry.name || method != 0 || (flags & 1) != 0 ||
            (!sizes_follow && (packed != size || plain != size))) {
            refuse_(subject + "differs between the directory and its local header");
        }
        from.take(extra_bytes);
        if (size > from.left()) {
            refuse_(subject + "of " + std::to_string(size) + " bytes at byte " +
                    std::to_string(from.position()) + " ends after the last data");
        }
        found.entry.bytes = from.take(size);
        found.end = from.position();
        return found;
    }

    [[gnu::cold]] void refuse_overlaps(const growing<placed>& all) const {
        const auto order = order_of(all.size(), [&](std::uint32_t a, std::uint32_t b) {
            return all[a].begin < all[b].begin;
        });
        for (std::size_t i = 1; i < order.size(); ++i) {
            const placed &before = all[order[i - 1]], &after = all[order[i]];
            if (after.begin < before.end) {
                refuse_("zip entries '" + printable(before.entry.name) + "' and '" +
                        printable(after.entry.name) + "' overlap");
            }
        }
    }

    std::span<const std::byte> file_;
    const refusal& refuse_;
};

}  // namespace detail

/// The entries of the archive, sorted by name; names and bytes lie in `file`.
/// throws: by `refuse`, with the entry or the byte, when an entry is compressed, encrypted, occurs
/// twice, overlaps another or lies outside the file, and when directory and local headers disagree.
inline growing<zip_entry> read_zip(std::span<const std::byte> file, const refusal& refuse) {
    return detail::zip_reader(file, refuse).read();
}

}  // namespace mpar::io
