// SPDX-License-Identifier: MIT
// How pictures are prepared, as a command line says it. Knows no picture and no network.
#pragma once

#include <mpar/core/error.hpp>
#include <mpar/io/preprocess.hpp>

#include <CLI/CLI.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace tools {

/// A preset, and what is said in place of its parts.
struct preprocess_options {
    std::string preset = "imagenet", interpolation, mean, deviation;
    std::optional<int> resize, crop;

    /// throws: error(usage) when a part cannot be.
    mpar::io::preprocessing prepared() const {
        const auto known = mpar::io::preprocessing_named(preset);
        if (!known) refuse("there is no preprocessing " + preset);
        auto how = *known;
        how.resize = resize.value_or(how.resize);
        how.crop = crop.value_or(how.crop);
        if (how.crop < 1 || how.resize < how.crop || how.resize > 16'384) {
            refuse("--crop is 1 to --resize, and --resize at most 16384: not " +
                   std::to_string(how.crop) + " of " + std::to_string(how.resize));
        }
        if (interpolation == "bicubic") {
            how.by = mpar::io::interpolation::bicubic;
        } else if (!interpolation.empty() && interpolation != "bilinear") {
            refuse("there is no interpolation " + interpolation +
                   "; there are bilinear and bicubic");
        }
        if (!mean.empty()) how.mean = three("--mean", mean);
        if (!deviation.empty()) how.deviation = three("--std", deviation);
        for (const double d : how.deviation) {
            if (!(d > 0)) refuse("--std is more than 0 for each colour, not " + deviation);
        }
        return how;
    }

private:
    [[noreturn]] static void refuse(const std::string& words) {
        throw mpar::error(mpar::fault::usage, "mpar: " + words);
    }

    /// "a,b,c" as three finite numbers.
    static std::array<double, 3> three(const std::string& option, const std::string& text) {
        std::array<double, 3> values{};
        const char* at = text.data();
        const char* const end = at + text.size();
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto [next, wrong] = std::from_chars(at, end, values[i]);
            const bool is_last = i + 1 == values.size();
            const bool is_followed = is_last ? next == end : next != end && *next == ',';
            if (wrong != std::errc{} || !is_followed || !std::isfinite(values[i])) {
                refuse(option + " is three numbers, red, green, blue, as 0.5,0.5,0.5, not " + text);
            }
            at = next + 1;
        }
        return values;
    }
};

/// Declares every option of `app` with its place in `o`.
inline void declare(CLI::App& app, preprocess_options& o) {
    app.add_option("--preprocess", o.preset,
                   "imagenet or half: resize 256, crop 224, bilinear, mean and deviation")
        ->capture_default_str();
    app.add_option("--resize", o.resize, "pixels of a picture's short side, in place of 256");
    app.add_option("--crop", o.crop,
                   "pixels of both sides of the square in its middle, which is what the network "
                   "takes, in place of 224");
    app.add_option("--interpolation", o.interpolation, "bilinear or bicubic, antialiased as PIL's");
    app.add_option("--mean", o.mean, "of red, green and blue in [0, 1], as 0.485,0.456,0.406");
    app.add_option("--std", o.deviation, "the same for the deviations");
}

}  // namespace tools
