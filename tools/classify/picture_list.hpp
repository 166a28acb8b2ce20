// SPDX-License-Identifier: MIT
// Which pictures a command line means: files, and what lies in folders. Opens no picture.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/core/error.hpp>
#include <mpar/io/parse/refusal.hpp>
#include <mpar/io/seeded.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace tools {

/// Whether a file's name ends as a picture's that mpar reads.
inline bool is_named_as_picture(const std::filesystem::path& file) {
    std::string ending = file.extension().string();
    std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
    constexpr std::string_view known[] = {".jpg",  ".jpeg", ".png", ".bmp",
                                          ".webp", ".tif",  ".tiff"};
    return std::ranges::find(known, ending) != std::ranges::end(known);
}

/// The files as they are given, and in place of a folder what is named as a picture in it, in the
/// order of the names' bytes; not what lies in folders of it.
/// throws: error(input) when a folder cannot be read or has no picture.
inline std::vector<std::string> pictures_of(const std::vector<std::string>& given) {
    namespace fs = std::filesystem;
    std::vector<std::string> files;
    for (const auto& path : given) {
        std::error_code wrong;
        if (!fs::is_directory(path, wrong)) {  // what is no file either, its reader says
            files.push_back(path);
            continue;
        }
        const mpar::io::refusal refuse(mpar::fault::input, path);
        const auto first = static_cast<std::ptrdiff_t>(files.size());
        fs::directory_iterator entry(path, wrong);
        for (; !wrong && entry != fs::directory_iterator(); entry.increment(wrong)) {
            std::error_code unknown;
            if (is_named_as_picture(entry->path()) && !entry->is_directory(unknown))
                files.push_back(entry->path().string());
        }
        if (wrong) refuse("the folder cannot be read: " + wrong.message());
        if (std::ssize(files) == first)
            refuse("the folder has no pictures: no .jpg, .png or the like");
        std::sort(files.begin() + first, files.end());
    }
    return files;
}

/// The same on every rank. collective. throws: also error(input) when the ranks see other files.
inline std::vector<std::string> pictures_of(mpar::communicator& comm,
                                            const std::vector<std::string>& given) {
    std::vector<std::string> files;
    mpar::agree(comm, [&] { files = pictures_of(given); });
    std::string all;
    for (const auto& file : files) all += file + '\0';
    mpar::agree_on(comm, mpar::io::fnv1a(all), mpar::fault::input,
                   "mpar: the ranks see different pictures");
    return files;
}

}  // namespace tools
