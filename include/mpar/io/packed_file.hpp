// SPDX-License-Identifier: MIT
// A file of bytes that are used where they are mapped, with a label that says what for. Trusts no
// file but its own user's. Knows no net and no format of weights.
#pragma once

#include <mpar/io/checksum.hpp>
#include <mpar/io/file.hpp>
#include <mpar/io/file_identity.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mpar::io {

/// What the bytes of a packed file were made from.
struct packed_label {
    std::array<std::uint64_t, 2> recipe{};  ///< a digest of all but the source's values
    file_identity source;
};

namespace detail {

/// The first page of a packed file. Numbers are in the machine's own order: nothing to send away.
struct packed_header {
    static constexpr std::size_t page = 4096, shares = 64;

    char magic[8] = {'m', 'p', 'a', 'r', 'p', 'a', 'c', 'k'};
    std::uint64_t format = 1;
    std::uint64_t recipe[2] = {};
    std::uint64_t inode = 0, size = 0;  ///< of the source
    std::int64_t modified = 0, changed = 0;
    std::uint64_t content = 0;  ///< a digest of the source's values
    std::uint64_t bytes = 0;    ///< that follow the first page
    std::uint64_t sums[shares] = {};
    std::uint64_t own_sum = 0;  ///< of what stands above

    packed_header() = default;
    packed_header(const packed_label& label, std::uint64_t values, std::uint64_t length)
        : recipe{label.recipe[0], label.recipe[1]},
          inode(label.source.inode),
          size(label.source.size),
          modified(label.source.modified),
          changed(label.source.changed),
          content(values),
          bytes(length) {}

    void seal() { own_sum = sum(); }

    /// Whether it is whole and means this label and a file of that length.
    bool fits(const packed_label& label, std::uint64_t length) const {
        packed_header wanted(label, content, length - page);
        std::copy(sums, sums + shares, wanted.sums);
        wanted.seal();
        return std::memcmp(this, &wanted, sizeof wanted) == 0;
    }

private:
    std::uint64_t sum() const {
        return checksum(std::as_bytes(std::span(this, 1)).first(offsetof(packed_header, own_sum)));
    }
};
static_assert(std::is_trivially_copyable_v<packed_header>);
static_assert(std::has_unique_object_representations_v<packed_header>);

/// The part of all bytes of which sums[i] is the sum: whole pages but for the last.
inline std::span<const std::byte> share_of(std::span<const std::byte> bytes, std::size_t i) {
    constexpr std::size_t page = packed_header::page;
    const std::size_t length = (bytes.size() / packed_header::shares / page + 1) * page;
    const std::size_t begin = std::min(bytes.size(), i * length);
    return bytes.subspan(begin, std::min(length, bytes.size() - begin));
}

/// Makes the folder and those above it that are missing, for this user alone.
/// throws: error(kind) when it cannot be made.
[[gnu::cold]] inline void make_private_folder(const std::string& path, const refusal& refuse) {
    if (path.empty() || path.find('\0') != std::string::npos) refuse("is no path");
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const bool made = ::mkdir(path.substr(0, end).c_str(), 0700) == 0 || errno == EEXIST;
        if (end != std::string::npos) continue;
        if (!made) refuse("cannot be made: " + system_message(errno));
        return;
    }
}

/// Removes what writers of `path` have left behind that were killed, hours ago.
[[gnu::cold]] inline void remove_remnants(const std::string& path) {
    namespace fs = std::filesystem;
    const auto name = fs::path(path).filename().string() + ".part";
    const auto old = fs::file_time_type::clock::now() - std::chrono::hours(2);
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path(), ignored)) {
        if (!entry.path().filename().string().starts_with(name)) continue;
        const auto written = entry.last_write_time(ignored);
        if (!ignored && written < old) fs::remove(entry.path(), ignored);
    }
}

}  // namespace detail

/// A packed file of this user, mapped and read-only; processes that map it share its memory.
///
/// Nobody writes to such a file: it is replaced by rename. Who shortens it while it is mapped ends
/// the process with SIGBUS, as with any mapping.
class packed_file {
public:
    /// Which of the sums this process compares, where others compare the rest.
    struct turn {
        int mine = 0, all = 1;
    };

    /// The file `path`, when it is there, was made for that label, is whole and belongs to this
    /// user or to root; else nothing. Never throws for what is found there.
    static std::optional<packed_file> find(const std::string& path, const packed_label& label,
                                           turn compared) {
        using detail::packed_header;
        const detail::descriptor handle(
            ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
        struct stat status {};
        if (handle.number() < 0 || ::fstat(handle.number(), &status) != 0) return std::nullopt;
        const bool trusted = S_ISREG(status.st_mode) &&
                             (status.st_uid == ::geteuid() || status.st_uid == 0) &&
                             (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
        const auto length = static_cast<std::uint64_t>(status.st_size);
        if (!trusted || length < packed_header::page) return std::nullopt;
        packed_header header;
        if (::pread(handle.number(), &header, sizeof header, 0) != sizeof header ||
            !header.fits(label, length)) {
            return std::nullopt;
        }
        void* address = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, handle.number(), 0);
        if (address == MAP_FAILED) return std::nullopt;
        packed_file file(address, length, header.content);
        if (!file.bring_in()) return std::nullopt;
        for (std::size_t i = std::size_t(compared.mine); i < packed_header::shares;
             i += std::size_t(compared.all)) {
            if (checksum(detail::share_of(file.bytes(), i)) != header.sums[i]) return std::nullopt;
        }
        return file;
    }

    /// Writes such a file, complete or not at all, and its folder where that is missing. `content`:
    /// a digest of the source's values. throws: error(model) when it cannot be written.
    static void write(const std::string& path, const packed_label& label, std::uint64_t content,
                      std::span<const std::byte> bytes) {
        const auto slash = path.rfind('/');
        if (slash != std::string::npos && slash > 0) {
            const std::string folder = path.substr(0, slash);
            detail::make_private_folder(folder, refusal(fault::model, folder));
            detail::remove_remnants(path);
        }
        detail::packed_header header(label, content, bytes.size());
        for (std::size_t i = 0; i < detail::packed_header::shares; ++i) {
            header.sums[i] = checksum(detail::share_of(bytes, i));
        }
        header.seal();
        std::array<std::byte, detail::packed_header::page> first{};
        std::memcpy(first.data(), &header, sizeof header);
        struct stat old {};  // a pipe in an entry's place is nobody's: atomic_file would keep it
        if (::lstat(path.c_str(), &old) == 0 && !S_ISREG(old.st_mode)) ::unlink(path.c_str());
        atomic_file file(path, fault::model, 0600);
        file.write(first);
        // In one piece: the system then keeps it in huge pages, and so it is mapped later.
        file.write(bytes);
        file.commit();
    }

    packed_file(packed_file&& other) noexcept
        : address_(std::exchange(other.address_, nullptr)),
          length_(other.length_),
          content_(other.content_) {}
    packed_file& operator=(packed_file&&) = delete;
    ~packed_file() {
        if (address_) ::munmap(address_, length_);
    }

    /// What was packed; aligned to a page.
    std::span<const std::byte> bytes() const {
        const std::span all(static_cast<const std::byte*>(address_), length_);
        return all.subspan(detail::packed_header::page);
    }
    /// The digest of the source's values.
    std::uint64_t content() const { return content_; }

private:
    packed_file(void* address, std::size_t length, std::uint64_t content)
        : address_(address), length_(length), content_(content) {}

    /// All pages, so that none is waited for later; false when the disk does not give them.
    bool bring_in() const {
#ifdef MADV_HUGEPAGE
        ::madvise(address_, length_, MADV_HUGEPAGE);  // reads ahead in larger pieces
#endif
#ifdef MADV_POPULATE_READ
        return ::madvise(address_, length_, MADV_POPULATE_READ) == 0 || errno == EINVAL;
#else
        return true;
#endif
    }

    void* address_;
    std::size_t length_;
    std::uint64_t content_;
};

}  // namespace mpar::io
