// SPDX-License-Identifier: MIT
// Which file stands under a path, and since when, without reading it. Knows POSIX, no format.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include <sys/stat.h>

namespace mpar::io {

/// A file that is written to, or replaced, gets another one. Times are nanoseconds since 1970.
struct file_identity {
    std::uint64_t inode = 0, size = 0;
    std::int64_t modified = 0, changed = 0;  ///< content; content, name, owner or mode

    bool operator==(const file_identity&) const = default;
};

/// Of the regular file `path`, through links; nothing where there is none.
inline std::optional<file_identity> identity_of(const std::string& path) {
    const auto nanoseconds = [](const timespec& t) {
        return std::int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
    };
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return file_identity{status.st_ino, static_cast<std::uint64_t>(status.st_size),
                         nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

/// Whether the file has rested for long enough that a change from now on will show: clocks of file
/// systems tick.
inline bool has_settled(const file_identity& file) {
    constexpr std::int64_t tick = 50'000'000;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec - file.changed > tick;
}

/// The path without links and dots; as it is where there is no such file.
inline std::string canonical(const std::string& path) {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
    return real ? real.get() : path;
}

}  // namespace mpar::io
