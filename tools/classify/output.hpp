// SPDX-License-Identifier: MIT
// What a run of classify leaves behind as it goes on: a table, a report, logits. Knows no network.
#pragma once

#include "classify/report.hpp"
#include "support/json.hpp"

#include <mpar/core/error.hpp>
#include <mpar/io/file_identity.hpp>
#include <mpar/io/safetensors.hpp>

#include <cstddef>
#include <iostream>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tools {

/// Of rank 0. Files are tried before the work, so that one that cannot be written is known by then,
/// and appear when all is done; the table is printed after each batch.
class classify_output {
public:
    /// throws: error(input), here and in every member, when something cannot be written.
    classify_output(const classify_options& o, int count, int classes) : o_(o) {
        if (!o.logits.empty()) {
            logits_.emplace(mpar::io::canonical(o.logits), "logits", mpar::dtype::f32,
                            std::vector<std::int64_t>{count, classes}, mpar::fault::input);
        }
        if (!o.json.empty()) json_output tried(o.json);
    }

    /// The next image's; `wrong`: why it has none, and then its row in the file is NaN.
    void add(classify_report& r, std::string name, std::string wrong,
             std::span<const float> logits) {
        const bool is_good = wrong.empty();
        r.images.push_back({std::move(name), std::move(wrong), {}});
        if (is_good) r.images.back().top = likeliest(logits, o_.top);
        if (!logits_) return;
        const std::vector<float> none(is_good ? 0 : logits.size(),
                                      std::numeric_limits<float>::quiet_NaN());
        logits_->write(std::as_bytes(is_good ? logits : std::span(none)));
    }

    /// Prints what has come since the last call.
    void print(const classify_report& r) {
        if (o_.json != "-") {
            for (; printed_ < r.images.size(); ++printed_)
                print_image(r, r.images[printed_], std::cout);
        }
        flush();
    }

    /// The rest of the table, and the files.
    void finish(const classify_report& r) {
        print(r);
        if (o_.json != "-") print_latency(r, std::cout);
        flush();
        if (!o_.json.empty()) {
            json_output json(o_.json);
            json.write(to_json(r, o_), "images", r.images.size(),
                       [&](std::size_t i) { return to_json(r, r.images[i]); });
            json.commit();
        }
        if (logits_) logits_->commit();
    }

private:
    static void flush() {
        if (!std::cout.flush())
            throw mpar::error(mpar::fault::input, "mpar: standard output cannot be written");
    }

    const classify_options& o_;
    std::optional<mpar::io::safetensors_in_parts> logits_;
    std::size_t printed_ = 0;
};

/// The pictures that could not be read, in one sentence.
class unread_pictures {
public:
    /// `sentence`: "mpar: FILE: ...".
    void add(const std::string& sentence) {
        constexpr int shown = 3;
        if (++count_ <= shown) sentences_ += (count_ > 1 ? "; " : "") + sentence.substr(6);
        if (count_ == shown + 1) sentences_ += "; and others";
    }
    int count() const { return count_; }

    /// Of `all` pictures.
    mpar::error as_error(int all) const {
        const std::string many = all == 1 ? ""
                                          : std::to_string(count_) + " of " + std::to_string(all) +
                                                " pictures cannot be read: ";
        return {mpar::fault::input, "mpar: " + many + sentences_};
    }

private:
    int count_ = 0;
    std::string sentences_;
};

}  // namespace tools
