// SPDX-License-Identifier: MIT
// Images of a job, a batch at a time. Knows no network.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/all_gather.hpp>
#include <mpar/io/image.hpp>
#include <mpar/io/seeded.hpp>
#include <mpar/tensor/shape.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tools {

/// Where a job's images come from, in order.
class batches {
public:
    virtual ~batches() = default;

    /// The next batch's images into x, NCHW; what is left of x becomes zero. requires: there is one.
    /// returns: for each of its images what is wrong with it, or nothing. collective, the same on all.
    virtual std::vector<std::string> next(std::span<float> x) = 0;
};

/// The tensor "input" of shape (N, C, H, W), made from its name; all of it is in memory.
class seeded_batches final : public batches {
public:
    /// image: {1, C, H, W}. collective. throws: error(device) when there is no memory for it.
    seeded_batches(mpar::communicator& comm, int count, const mpar::shape& image)
        : image_(static_cast<std::size_t>(image.count())) {
        mpar::agree(comm, [&] {
            const std::int64_t extents[] = {count, image.c, image.h, image.w};
            values_ = mpar::io::seeded_values<float>("input", extents);
        });
    }

    std::vector<std::string> next(std::span<float> x) override {
        const auto size = std::min(x.size(), values_.size() - done_);
        const auto from = values_.begin() + static_cast<std::ptrdiff_t>(done_);
        std::fill(std::copy_n(from, size, x.begin()), x.end(), 0.0f);
        done_ += size;
        return std::vector<std::string>(size / image_);
    }

private:
    std::size_t image_, done_ = 0;
    std::vector<float> values_;
};

/// Pictures of files. Rank r of P decodes pictures r, r + P, ... of a batch, in a thread that makes no
/// call of MPI, while the batch before is computed; then they are exchanged, a byte a sample.
///
/// Room: two batches of bytes and what decoding one picture takes.
class picture_batches final : public batches {
public:
    /// files: at least one, the same on every rank; they outlive this. batch: pictures in one.
    /// channels: 3, or 1 for their brightness alone.
    /// collective.
    picture_batches(mpar::communicator& comm, const std::vector<std::string>& files,
                    const mpar::io::preprocessing& how, mpar::io::orientation turning, int batch,
                    int channels)
        : comm_(comm),
          files_(files),
          how_(how),
          turning_(turning),
          batch_(std::min(static_cast<std::size_t>(batch), files_.size())),
          is_grey_(channels == 1),
          pixels_(3 * static_cast<std::size_t>(how.crop) * static_cast<std::size_t>(how.crop)),
          rounds_((batch_ + ranks() - 1) / ranks()),
          all_(comm, rounds_ * ranks() * slot()) {
        mpar::agree(comm, [&] {
            mine_.resize(rounds_ * slot());
            decode_ahead();
        });
    }
    picture_batches(const picture_batches&) = delete;
    picture_batches& operator=(const picture_batches&) = delete;

    std::vector<std::string> next(std::span<float> x) override {
        if (decoder_.joinable()) decoder_.join();
        const std::size_t count = std::min(batch_, files_.size() - done_);
        const std::size_t rounds = (count + ranks() - 1) / ranks();
        mpar::agree(comm_, [&] {
            if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
            for (std::size_t i = 0; i < rounds; ++i) {
                std::copy_n(mine_.data() + i * slot(), slot(), all(i * ranks() + rank()));
            }
            done_ += count;
            decode_ahead();
        });
        for (std::size_t i = 0; i < rounds; ++i) {
            mpar::all_gather(comm_, all(i * ranks()), static_cast<int>(slot()));
        }
        return unpacked(count, x);
    }

private:
    // A slot: a sentence that ends in a zero, then the samples of a picture if it is empty.
    static constexpr std::size_t sentence_bytes = 256;
    std::size_t slot() const { return sentence_bytes + pixels_; }
    std::byte* all(std::size_t i) { return all_.data() + i * slot(); }
    std::size_t ranks() const { return static_cast<std::size_t>(comm_.size()); }
    std::size_t rank() const { return static_cast<std::size_t>(comm_.rank()); }

    void decode_ahead() {
        if (done_ == files_.size()) return;
        decoder_ = std::jthread([this](const std::stop_token& stop) {
            try {
                decode(stop);
            } catch (...) {
                failure_ = std::current_exception();
            }
        });
    }

    /// This rank's pictures of the batch from done_ on.
    void decode(const std::stop_token& stop) {
        const std::size_t end = std::min(done_ + batch_, files_.size());
        std::byte* to = mine_.data();
        for (std::size_t i = done_ + rank(); i < end; i += ranks(), to += slot()) {
            if (stop.stop_requested()) return;
            std::fill_n(to, sentence_bytes, std::byte(0));
            try {
                mpar::io::cropped_picture picture(how_, turning_);
                mpar::io::decode_image(mpar::io::read_image_file(files_[i]),
                                       {mpar::fault::input, files_[i]}, picture);
                const auto square = picture.take();
                std::ranges::copy(std::as_bytes(std::span(square.pixels)), to + sentence_bytes);
            } catch (const mpar::error& e) {
                if (e.kind() != mpar::fault::input) throw;
                const std::string words = e.what();
                const auto bytes = std::as_bytes(std::span(words));
                std::ranges::copy(bytes.first(std::min(bytes.size(), sentence_bytes - 1)), to);
            }
        }
    }

    std::vector<std::string> unpacked(std::size_t count, std::span<float> x) {
        std::vector<std::string> wrong;
        mpar::io::rgb_image square{how_.crop, how_.crop, std::vector<std::uint8_t>(pixels_)};
        const std::size_t values = is_grey_ ? pixels_ / 3 : pixels_;
        std::ranges::fill(x.subspan(count * values), 0.0f);
        for (std::size_t i = 0; i < count; ++i) {
            wrong.emplace_back(reinterpret_cast<const char*>(all(i)));
            const auto out = x.subspan(i * values, values);
            if (!wrong.back().empty()) {
                std::ranges::fill(out, 0.0f);
                continue;
            }
            std::copy_n(all(i) + sentence_bytes, pixels_,
                        reinterpret_cast<std::byte*>(square.pixels.data()));
            is_grey_ ? mpar::io::normalise_grey(square, how_, out.data())
                     : mpar::io::normalise(square, how_, out.data());
        }
        return wrong;
    }

    mpar::communicator& comm_;
    const std::vector<std::string>& files_;
    mpar::io::preprocessing how_;
    mpar::io::orientation turning_;
    std::size_t batch_;
    bool is_grey_;  ///< the network takes one channel
    std::size_t pixels_, rounds_, done_ = 0;
    mpar::outliving<std::byte> all_;
    std::vector<std::byte> mine_;
    std::exception_ptr failure_;
    std::jthread decoder_;  // the last member: it ends before the others
};

}  // namespace tools
