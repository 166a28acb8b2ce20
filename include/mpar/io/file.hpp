// SPDX-License-Identifier: MIT
// Files as bytes: mapped, read whole, written at once or not at all. Knows POSIX, no format.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/io/parse/refusal.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mpar::io {

namespace detail {

inline std::string system_message(int number) { return std::generic_category().message(number); }

/// Owns a file descriptor.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int number) : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    int number() const { return number_; }

private:
    int number_ = -1;
};

struct opened_file {
    descriptor handle;
    std::size_t length = 0;
};

/// Opens a regular file to read; the length is the one at this moment.
[[gnu::cold]] inline opened_file open_regular(const std::string& path, const refusal& refuse) {
    if (path.find('\0') != std::string::npos) refuse("is no path: it holds a zero byte");
    // O_NONBLOCK: a named pipe must be refused, not waited for.
    descriptor handle(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (handle.number() < 0) refuse("cannot be opened: " + system_message(errno));
    struct stat status {};
    if (::fstat(handle.number(), &status) != 0) {
        refuse("cannot be examined: " + system_message(errno));
    }
    if (S_ISDIR(status.st_mode)) refuse("is a directory, not a file");
    if (!S_ISREG(status.st_mode)) refuse("is not a regular file");
    return {std::move(handle), static_cast<std::size_t>(status.st_size)};
}

}  // namespace detail

/// A file mapped into memory, read-only, of the length that it had when it was opened.
///
/// Who shortens the file while it is mapped ends the process with SIGBUS, as with any mapping;
/// replacing it by rename, as atomic_file does, is harmless.
class mapped_file {
public:
    /// throws: error(kind) when the file is missing, not readable or not a regular file.
    [[gnu::cold]] mapped_file(std::string path, fault kind) : path_(std::move(path)), kind_(kind) {
        const refusal refuse(kind, path_);
        const detail::opened_file file = detail::open_regular(path_, refuse);
        length_ = file.length;
        if (length_ == 0) return;
        void* address = ::mmap(nullptr, length_, PROT_READ, MAP_PRIVATE, file.handle.number(), 0);
        if (address == MAP_FAILED) refuse("cannot be mapped: " + detail::system_message(errno));
        address_ = address;
    }
    mapped_file(mapped_file&& other) noexcept
        : path_(std::move(other.path_)),
          kind_(other.kind_),
          address_(std::exchange(other.address_, nullptr)),
          length_(std::exchange(other.length_, 0)) {}
    mapped_file& operator=(mapped_file&& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(kind_, other.kind_);
        std::swap(address_, other.address_);
        std::swap(length_, other.length_);
        return *this;
    }
    ~mapped_file() {
        if (address_) ::munmap(address_, length_);
    }

    std::span<const std::byte> bytes() const {
        return {static_cast<const std::byte*>(address_), length_};
    }
    const std::string& path() const { return path_; }

    /// Takes the pages around `part` out of this process's memory; they come back when touched.
    void forget(std::span<const std::byte> part) const {
        if (part.empty() || part.data() < bytes().data() ||
            part.data() + part.size() > bytes().data() + length_) {
            return;
        }
        constexpr std::size_t page = 4096;
        const auto begin = static_cast<std::size_t>(part.data() - bytes().data()) / page * page;
        const auto end = static_cast<std::size_t>(part.data() + part.size() - bytes().data());
        ::madvise(static_cast<std::byte*>(address_) + begin, end - begin, MADV_DONTNEED);
    }

    /// Throws the sentences about this file's content, of the kind that it was opened with.
    refusal refuse() const { return refusal(kind_, path_); }

private:
    std::string path_;
    fault kind_;
    void* address_ = nullptr;
    std::size_t length_ = 0;
};

/// The bytes of a file of at most `limit` bytes, copied into memory.
/// throws: error(kind) when it is missing, not a regular file, longer, or shortened meanwhile.
[[gnu::cold]] inline std::vector<std::byte> read_file(const std::string& path, std::size_t limit,
                                                      fault kind) {
    const refusal refuse(kind, path);
    const detail::opened_file file = detail::open_regular(path, refuse);
    if (file.length > limit) {
        refuse("has " + std::to_string(file.length) + " bytes, more than " + std::to_string(limit));
    }
    std::vector<std::byte> bytes(file.length);
    for (std::size_t done = 0; done < bytes.size();) {
        const auto got = ::read(file.handle.number(), bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) refuse("cannot be read: " + detail::system_message(errno));
        if (got == 0) refuse("was shortened while it was read, at byte " + std::to_string(done));
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

/// A file that appears under its name only complete: written beside it, synced, renamed over it.
/// Until commit() returns, and when anything fails, the old file (or none) is what others see.
class atomic_file {
public:
    /// `mode`: who may read it, as umask allows.
    /// throws: error(kind), here and in every member, when the system refuses.
    [[gnu::cold]] atomic_file(std::string path, fault kind, mode_t mode = 0666)
        : path_(std::move(path)), refuse_(kind, path_) {
        if (path_.empty() || path_.find('\0') != std::string::npos) refuse_("is no path");
        struct stat old {};  // of a device or a pipe only its name would be left
        if (::stat(path_.c_str(), &old) == 0 && !S_ISREG(old.st_mode) && !S_ISDIR(old.st_mode)) {
            refuse_("is not a regular file");
        }
        static constexpr int attempts = 100;
        for (int i = 0; i < attempts; ++i) {
            temporary_ = path_ + ".part" + std::to_string(::getpid()) + "." + std::to_string(i);
            file_ = detail::descriptor(
                ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
            if (file_.number() >= 0) return;
            if (errno != EEXIST) break;
        }
        refuse_("cannot be written: " + detail::system_message(errno));
    }
    atomic_file(const atomic_file&) = delete;
    atomic_file& operator=(const atomic_file&) = delete;
    ~atomic_file() {
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
    }

    void write(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const auto put = ::write(file_.number(), bytes.data(), bytes.size());
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) refuse_("cannot be written: " + detail::system_message(errno));
            bytes = bytes.subspan(static_cast<std::size_t>(put));
        }
    }

    /// ensures: the new content stands under the name, on the disk.
    [[gnu::cold]] void commit() {
        if (::fsync(file_.number()) != 0) {
            refuse_("cannot be written: " + detail::system_message(errno));
        }
        if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
            refuse_("cannot be replaced: " + detail::system_message(errno));
        }
        temporary_.clear();
        const auto slash = path_.rfind('/');
        const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
        const detail::descriptor directory(
            ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (directory.number() < 0 || ::fsync(directory.number()) != 0) {
            refuse_("its directory cannot be synced: " + detail::system_message(errno));
        }
    }

private:
    std::string path_, temporary_;
    refusal refuse_;
    detail::descriptor file_;
};

}  // namespace mpar::io
