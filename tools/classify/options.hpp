// SPDX-License-Identifier: MIT
// What classify is asked for on its command line. Knows no network.
#pragma once

#include "classify/preprocess_options.hpp"

#include <mpar/core/error.hpp>
#include <mpar/io/picture/picture_taker.hpp>
#include <mpar/net/run/options.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tools {

struct classify_options {
    std::string model = "resnet50", weights, weights_key, cache, policy = "automatic",
                engine = "cpu";
    std::string orientation = "exif", input, team = "claim", numerics = "fast";
    std::string pixels, labels, json, logits, gradients, targets, machine, save_policy;
    std::vector<std::string> images;
    preprocess_options preprocess;
    int team_size = 0, threads = 1, ranks_data = 1, top = 5, repeat = 0, batch = 16;
    int micro_batches = 0;
    double deadline = 300;
    bool describe = false, reproducible = false, strict = false;

    /// The policy in place of the layers' own, or nothing for their own.
    std::optional<mpar::policy> asked() const {
        if (policy == "spatial_then_channels" || is_policy_file()) return {};
        return mpar::policy_named(policy);
    }
    /// Whether --policy is a path, as --save-policy writes it.
    bool is_policy_file() const {
        return !mpar::policy_named(policy) && policy.find_first_of("./") != std::string::npos;
    }
    /// What becomes of a picture that lies on its side.
    mpar::io::orientation turning() const {
        return orientation == "exif" ? mpar::io::orientation::exif : mpar::io::orientation::ignore;
    }
    /// What the network is told.
    mpar::options network(int batch_now) const {
        return {.batch = batch_now,
                .asked = asked(),
                .deadline = deadline,
                .exact = numerics == "exact",
                .team = mpar::teaming_named(team).value_or(mpar::teaming::off),
                .team_size = team_size,
                .threads = threads,
                .reproducible = reproducible,
                .data = ranks_data,
                .micro_batches = micro_batches};
    }
    /// How pictures are prepared; --pixels is the crop where none is said, of a short side as much
    /// longer as 256 is than 224. throws: error(usage).
    mpar::io::preprocessing prepared() const {
        preprocess_options how = preprocess;
        if (const int side = pixels_wanted().first; !pixels.empty()) {
            how.crop = side;
            if (!how.resize) how.resize = std::min(16'384, (side * 256 + 112) / 224);
        }
        return how.prepared();
    }
    /// What an image has by --pixels or --crop: rows and columns; 0: as the model was published.
    /// throws: error(usage) when --pixels is no HxW.
    std::pair<int, int> pixels_wanted() const {
        if (pixels.empty()) {
            const int side = preprocess.crop.value_or(0);
            return {side, side};
        }
        int size[2] = {};
        const char* at = pixels.data();
        const char* const end = at + pixels.size();
        const auto rows = std::from_chars(at, end, size[0]);
        const bool has_both = rows.ec == std::errc{} && rows.ptr != end && *rows.ptr == 'x';
        const auto columns = has_both ? std::from_chars(rows.ptr + 1, end, size[1]) : rows;
        if (!has_both || columns.ec != std::errc{} || columns.ptr != end || size[0] < 1 ||
            size[1] < 1 || size[0] > 16'384 || size[1] > 16'384) {
            throw mpar::error(mpar::fault::usage,
                              "mpar: --pixels is HxW, as 224x224, not " + pixels);
        }
        return {size[0], size[1]};
    }
    /// N of --input seeded:N, or 0.
    int seeded_images() const {
        if (!input.starts_with("seeded:")) return 0;
        const std::string number = input.substr(7);
        if (number.empty() || number.size() > 4 ||
            number.find_first_not_of("0123456789") != std::string::npos) {
            return 0;
        }
        return std::stoi(number);
    }
};

/// Declares every option of `app` with its place in `o`.
inline void declare(CLI::App& app, classify_options& o) {
    app.add_option(
        "images", o.images,
        "files of JPEG, PNG, BMP, WebP or TIFF, and folders: what is named as one in them, "
        "in the order of names");
    app.add_flag(
        "--strict", o.strict,
        "a picture that cannot be read ends the job and nothing is printed; without it the "
        "others are classified first");
    app.add_option("--model", o.model,
                   "resnet18 resnet34 resnet50 resnet101 resnet152 densenet121 densenet169 "
                   "densenet201 cspdarknet53 efficientnet_lite0")
        ->capture_default_str();
    app.add_option("--weights", o.weights,
                   "safetensors or .pth file, or 'seeded' for weights made from their names");
    app.add_option("--weights-key", o.weights_key,
                   "the key of the state dict to take, where a checkpoint has several: model_ema");
    app.add_option("--cache", o.cache,
                   "folder where packed weights are kept: the next start takes them as they are")
        ->envname("MPAR_CACHE");
    app.add_option("--policy", o.policy,
                   "none, batch, rows, cols, tiles, output, input, grid for all layers that can "
                   "follow it; stage: a pipeline of balanced stages; "
                   "spatial_then_channels: as the model's type says, rows early and output late; "
                   "automatic: for each layer what takes the least time by the machine's "
                   "constants; or a file that --save-policy has written: a path with a . or a /")
        ->capture_default_str();
    app.add_option("--machine", o.machine,
                   "file of the machine's constants, as mpar calibrate writes it, for automatic")
        ->envname("MPAR_MACHINE");
    app.add_option("--save-policy", o.save_policy, "file to write each layer's policy to");
    app.add_option("--ranks-data", o.ranks_data, "ranks of a data axis beside the model axis")
        ->capture_default_str();
    app.add_option("--engine", o.engine, "cpu, or reference: plain loops")->capture_default_str();
    declare(app, o.preprocess);
    app.add_option("--orientation", o.orientation,
                   "exif: pictures are turned upright; ignore: taken as they are stored")
        ->capture_default_str();
    app.add_option("--input", o.input, "seeded:N in place of images");
    app.add_option(
        "--pixels", o.pixels,
        "HxW of the images that the network takes, where it allows others than those it was "
        "published with; pictures are cropped to a square of H");
    app.add_option("--batch", o.batch, "images in one forward, at most")->capture_default_str();
    app.add_option(
           "--team", o.team,
           "claim: ranks of a node share one memory, and each step's work as it comes; "
           "static (or fixed): one memory, each computes its own part; off: they exchange messages")
        ->capture_default_str();
    app.add_option("--team-size", o.team_size, "ranks of a team at most; 0: all of a node")
        ->capture_default_str();
    app.add_option("--threads", o.threads, "threads of each rank, at most its cores")
        ->capture_default_str();
    app.add_option("--numerics", o.numerics, "exact: direct convolution; fast: transforms allowed")
        ->capture_default_str();
    app.add_flag("--reproducible", o.reproducible,
                 "the same bits on 1, 2, 4 and 8 ranks with input and grid too (the others have "
                 "them always, on any number)");
    app.add_option("--micro-batches", o.micro_batches,
                   "parts of a batch that follow each other through a pipeline; 0: four a stage");
    app.add_option("--top", o.top, "classes shown for each image")->capture_default_str();
    app.add_option("--labels", o.labels, "file of class names, one a line");
    app.add_option("--repeat", o.repeat, "timed forwards after the first");
    app.add_flag("--describe", o.describe, "print the plan as a table");
    app.add_option("--logits", o.logits, "safetensors file to write, tensor 'logits'");
    app.add_option("--gradients", o.gradients,
                   "safetensors file to write; comes with a later version");
    app.add_option("--targets", o.targets, "classes for --gradients");
    app.add_option("--json", o.json, "file to write the report to; - is standard output");
    app.add_option("--deadline", o.deadline, "seconds that a wait on another rank may last")
        ->capture_default_str();
}

/// What no combination of options may be. throws: error(usage).
inline void require_sensible(const classify_options& o) {
    const auto refuse = [](const std::string& words) {
        throw mpar::error(mpar::fault::usage, "mpar: " + words);
    };
    const auto later = [&](const std::string& what) {
        refuse(what + " comes with a later version of mpar");
    };
    if (o.policy != "spatial_then_channels" && !o.is_policy_file() &&
        (!mpar::policy_named(o.policy) || o.policy == "follow")) {
        refuse("there is no policy " + o.policy);
    }
    if (o.ranks_data < 1) refuse("--ranks-data is at least 1");
    if (!mpar::teaming_named(o.team)) refuse("there is no team " + o.team);
    if (!o.gradients.empty() || !o.targets.empty()) later("--gradients");
    if (o.numerics != "fast" && o.numerics != "exact") refuse("there is no numerics " + o.numerics);
    const auto [height, width] = o.pixels_wanted();
    if (!o.pixels.empty() && o.input.empty() && height != width)
        refuse("pictures are cropped to a square: --pixels " + std::to_string(height) + "x" +
               std::to_string(height) + ", not " + o.pixels);
    if (!o.pixels.empty() && o.preprocess.crop && *o.preprocess.crop != height)
        refuse("--pixels " + o.pixels + " and --crop " + std::to_string(*o.preprocess.crop) +
               " are not the same");
    o.prepared();
    if (o.orientation != "exif" && o.orientation != "ignore")
        refuse("there is no orientation " + o.orientation);
    if (o.weights.empty()) refuse("--weights is missing: a safetensors or .pth file, or 'seeded'");
    if (!o.weights_key.empty() && o.weights == "seeded")
        refuse("--weights-key is for the weights of a file, not for 'seeded'");
    if (!o.input.empty() && o.seeded_images() < 1)
        refuse("--input is seeded:N with N from 1 to 9999, not " + o.input);
    if (o.images.empty() == o.input.empty()) refuse("give images, or --input seeded:N");
    if (o.batch < 1 || o.top < 1 || o.repeat < 0)
        refuse("--batch and --top are at least 1, --repeat at least 0");
    if (!(o.deadline > 0)) refuse("--deadline is more than 0 seconds");
}

}  // namespace tools
