// SPDX-License-Identifier: MIT
// Where a program's report goes. Knows no report.
#pragma once

#include <mpar/io/file.hpp>
#include <mpar/io/file_identity.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tools {

inline std::string dumped(const nlohmann::ordered_json& value) {
    return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A report's place: standard output for "-", else a file, complete or not at all.
class json_output {
public:
    /// throws: error(input), here and in every member, when it cannot be written.
    explicit json_output(const std::string& path) {
        if (path != "-") file_.emplace(mpar::io::canonical(path), mpar::fault::input);
    }

    void write(const nlohmann::ordered_json& report) { put(dumped(report) + "\n"); }

    /// The report with an array of `count` entries in its member `name`, which is null there. Each is
    /// made when it is its turn: entry(i).
    template <class Entry>
    void write(const nlohmann::ordered_json& report, const std::string& name, std::size_t count,
               Entry entry) {
        const std::string text = dumped(report) + "\n", empty = "\n  \"" + name + "\": null";
        const auto at = text.find(empty) + empty.size() - 4;
        put(text.substr(0, at) + "[");
        for (std::size_t i = 0; i < count; ++i) {
            put(i > 0 ? ",\n    " : "\n    ");
            for (const char c : dumped(entry(i)))
                put(c == '\n' ? "\n    " : std::string_view(&c, 1));
        }
        put(count > 0 ? "\n  ]" : "]");
        put(text.substr(at + 4));
    }

    void commit() {
        flush();
        if (file_) file_->commit();
    }

private:
    void put(std::string_view text) {
        text_ += text;
        if (text_.size() >= 1 << 16) flush();
    }
    void flush() {
        if (file_) {
            file_->write(std::as_bytes(std::span(text_)));
        } else if (!(std::cout << text_).flush()) {
            throw mpar::error(mpar::fault::input, "mpar: standard output cannot be written");
        }
        text_.clear();
    }

    std::optional<mpar::io::atomic_file> file_;
    std::string text_;
};

/// throws: as json_output.
inline void write_json(const nlohmann::ordered_json& report, const std::string& path) {
    json_output out(path);
    out.write(report);
    out.commit();
}

}  // namespace tools
