// SPDX-License-Identifier: MIT
// Where a program's report goes. Knows no report.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/io/file_identity.hpp>

#include <nlohmann/json.hpp>

#include <iostream>
#include <span>
#include <string>

namespace tools {

/// To standard output for "-", else a file, complete or not at all. throws: error(input).
inline void write_json(const nlohmann::ordered_json& report, const std::string& path) {
    const std::string text =
        report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (path == "-") {
        std::cout << text;
        return;
    }
    mpar::io::atomic_file file(mpar::io::canonical(path), mpar::fault::input);
    file.write(std::as_bytes(std::span(text)));
    file.commit();
}

}  // namespace tools
