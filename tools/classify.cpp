// SPDX-License-Identifier: MIT
// classify: images through a network on the ranks of the job. See --help.
#include "classify/batches.hpp"
#include "classify/options.hpp"
#include "classify/output.hpp"
#include "classify/picture_list.hpp"
#include "classify/report.hpp"
#include "support/model.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"

#include <mpar/comm/all_gather.hpp>
#include <mpar/shard/machine_file.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace {

using mpar::fault;
using tools::classify_options;
using tools::classify_report;

/// One batch forwarded.
void forward(tools::model& net, const std::vector<float>& x, std::vector<float>& y) {
    const mpar::shape batch = net.input_shape();
    const int classes = net.steps().output().extents.c;
    net.forward(mpar::dense_view(x.data(), batch),
                mpar::dense_view(y.data(), {batch.n, classes, 1, 1}));
}

/// What is wrong with a picture, without the words that name it.
std::string without_name(const std::string& sentence, const std::string& file) {
    const std::string name = "mpar: " + mpar::io::printable_path(file) + ": ";
    return sentence.starts_with(name) ? sentence.substr(name.size()) : sentence.substr(6);
}

/// Images from a source through a network, a batch at a time.
class classifying {
public:
    /// name_of: an image's, by its number.
    classifying(tools::model& net, const classify_options& o,
                std::function<std::string(int)> name_of, int count)
        : net_(net),
          o_(o),
          name_of_(std::move(name_of)),
          count_(count),
          classes_(std::size_t(net.steps().output().extents.c)),
          x_(std::size_t(net.input_shape().count())),
          y_(std::size_t(net.input_shape().n) * classes_) {}

    /// All images; `out` is there on rank 0, and `begin()` called before anything is printed.
    /// collective. throws, the same on every rank: error(input) when no picture can be read or, if
    /// strict, one cannot; error(numbers) when logits are not finite.
    template <class Begin>
    void run(tools::batches& from, classify_report& r, tools::classify_output* out, Begin begin) {
        tools::progress bar("images", count_, net_.comm().rank());
        for (int done = 0; done < count_;) {
            const auto wrong = from.next(x_);
            for (const auto& sentence : wrong) {
                if (!sentence.empty()) unread_.add(sentence);
                if (!sentence.empty() && o_.strict) throw mpar::error(fault::input, sentence);
            }
            const int good = done + int(wrong.size()) - unread_.count();
            if (std::ranges::any_of(wrong, &std::string::empty)) {
                forward(net_, x_, y_);
                if (forwards_++ == 0 && o_.repeat > 0) first_ = x_;
            }
            bar.hide();
            mpar::agree(net_.comm(), [&] {
                for (std::size_t i = 0; i < wrong.size(); ++i)
                    take(done + int(i), i, wrong[i], r, out);
                if (!out || good == 0 || o_.strict) return;
                if (!std::exchange(has_begun_, true)) begin();
                out->print(r);
            });
            done += int(wrong.size());
            bar.at(done);
        }
        if (forwards_ == 0) throw unread_.as_error(count_);
    }

    int forwards() const { return forwards_; }
    bool has_begun() const { return has_begun_; }
    const tools::unread_pictures& unread() const { return unread_; }

    /// The first batch once more.
    void again() { forward(net_, first_, y_); }

private:
    /// Image `image`, at place i of its batch.
    void take(int image, std::size_t i, const std::string& wrong, classify_report& r,
              tools::classify_output* out) {
        const auto logits = std::span<const float>(y_).subspan(i * classes_, classes_);
        const auto is_finite = [](float l) { return std::isfinite(l); };
        if (wrong.empty() && !std::ranges::all_of(logits, is_finite)) {
            throw mpar::error(fault::numbers, "mpar: the logits of image " + std::to_string(image) +
                                                  " are not finite");
        }
        if (!out) return;
        const std::string name = name_of_(image);
        out->add(r, name, wrong.empty() ? wrong : without_name(wrong, name), logits);
    }

    tools::model& net_;
    const classify_options& o_;
    std::function<std::string(int)> name_of_;
    int count_, forwards_ = 0;
    std::size_t classes_;
    std::vector<float> x_, y_, first_;
    tools::unread_pictures unread_;
    bool has_begun_ = false;
};

double milliseconds_since(std::chrono::steady_clock::time_point began) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
        .count();
}

/// The slowest rank's time of each forward of one batch.
tools::samples time_forwards(mpar::communicator& comm, classifying& images, int repeat) {
    tools::samples times;
    tools::progress bar("timed forwards", repeat, comm.rank());
    for (int i = 0; i < repeat; ++i) {
        mpar::all_reduce(comm, 0, MPI_SUM);
        const auto began = std::chrono::steady_clock::now();
        images.again();
        const long mine = long(milliseconds_since(began) * 1e6);
        times.add(double(mpar::all_reduce(comm, mine, MPI_MAX)) * 1e-6);
        bar.at(i + 1);
    }
    return times;
}

void gather_figures(classify_report& r, tools::model& net, const mpar::traffic& one_forward) {
    auto& comm = net.comm();
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    r.ranks = comm.size();
    r.bytes = all_gather(comm, one_forward.bytes_received);
    r.messages = all_gather(comm, one_forward.messages_received);
    r.predicted_bytes = all_gather(comm, net.predicted().bytes_received);
    r.predicted_messages = all_gather(comm, net.predicted().messages_received);
    r.weights = all_gather(comm, net.weights_bytes());
    r.activations = all_gather(comm, net.activations_bytes());
    r.peak_rss = all_gather(comm, usage.ru_maxrss * 1024L);
}

/// What the files of --machine and --policy say.
void read_plan(mpar::communicator& comm, const classify_options& o, mpar::options& how) {
    mpar::agree(comm, [&] {
        if (!o.machine.empty()) how.planned_on = mpar::read_machine(o.machine);
        if (o.is_policy_file())
            how.placed = mpar::read_policies(o.policy, tools::layers_of(o.model));
    });
}

std::unique_ptr<tools::batches> source_of(tools::model& net, const classify_options& o,
                                          const std::vector<std::string>& files) {
    const mpar::shape input = net.input_shape();
    const mpar::shape image{1, input.c, input.h, input.w};
    if (files.empty())
        return std::make_unique<tools::seeded_batches>(net.comm(), o.seeded_images(), image);
    const auto how = o.prepared();
    mpar::agree(net.comm(), [&] {
        if ((image.c == 3 || image.c == 1) && image.h == how.crop && image.w == how.crop) return;
        const auto size = [](int c, int h, int w) {
            return std::to_string(c) + " x " + std::to_string(h) + " x " + std::to_string(w);
        };
        throw mpar::error(fault::usage, "mpar: " + o.model + " takes images of " +
                                            size(image.c, image.h, image.w) + ", pictures give " +
                                            size(3, how.crop, how.crop));
    });
    return std::make_unique<tools::picture_batches>(net.comm(), files, how, o.turning(), input.n,
                                                    input.c);
}

int classify(const classify_options& o, int rank) {
    require_sensible(o);
    mpar::options how = o.network(o.batch);
    std::vector<std::string> files;
    {
        mpar::communicator all(MPI_COMM_WORLD, mpar::seconds(o.deadline));
        read_plan(all, o, how);
        files = tools::pictures_of(all, o.images);
    }
    const int count = files.empty() ? o.seeded_images() : int(files.size());
    how.batch = std::min(count, o.batch);
    const auto [height, width] = o.pixels_wanted();
    auto net = tools::make_model(o.model, o.engine, MPI_COMM_WORLD, how,
                                 {{o.weights, o.weights_key}, height, width});
    const int classes = net->steps().output().extents.c;
    classify_report r;
    const auto began = std::chrono::steady_clock::now();
    r.loaded = net->load({o.weights, o.weights_key}, {o.cache});
    r.load_ms = milliseconds_since(began);
    std::optional<tools::classify_output> out;
    mpar::agree(net->comm(), [&] {
        if (!o.labels.empty()) r.labels = tools::read_labels(o.labels, classes);
        if (rank == 0) out.emplace(o, count, classes);
    });

    const auto name_of = [&](int i) {
        return files.empty() ? o.input + "#" + std::to_string(i) : files[std::size_t(i)];
    };
    const auto begin = [&] {  // what can fail comes before what is printed
        if (!o.save_policy.empty())
            mpar::write_policies(o.save_policy, tools::layers_of(o.model), net->steps());
        if (o.describe) (o.json == "-" ? std::cerr : std::cout) << net->described(how.planned_on);
    };
    classifying images(*net, o, name_of, count);
    images.run(*source_of(*net, o, files), r, out ? &*out : nullptr, begin);

    const mpar::traffic all = net->measured();
    const int forwards = images.forwards();
    const mpar::traffic one{all.bytes_received / forwards, all.messages_received / forwards,
                            all.bytes_sent / forwards, all.messages_sent / forwards};
    r.latency = time_forwards(net->comm(), images, o.repeat);
    r.predicted_ms = net->forecast(how.planned_on).seconds * 1e3;
    gather_figures(r, *net, one);
    r.isa = o.engine == "cpu" ? mpar::backend::cpu::isa() : mpar::backend::reference::isa();
    mpar::agree(net->comm(), [&] {
        if (!out) return;
        if (!images.has_begun()) begin();
        out->finish(r);
        if (!net->note().empty()) std::cerr << "mpar: note: " + net->note() + "\n";
        if (!r.loaded.not_kept.empty()) {
            std::cerr << "mpar: note: no weights are cached: " + r.loaded.not_kept.substr(6) + "\n";
        }
    });
    if (images.unread().count() > 0) throw images.unread().as_error(count);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return tools::run(argc, argv, [&](int rank) {
        CLI::App app("Classifies images with a network sharded over the ranks of an MPI job.",
                     "classify");
        app.set_version_flag("--version", tools::version());
        classify_options o;
        declare(app, o);
        try {
            app.parse(argc, argv);
        } catch (const CLI::Success& e) {  // --help, --version
            return rank == 0 ? app.exit(e) : 0;
        } catch (const CLI::ParseError& e) {
            throw mpar::error(fault::usage, std::string("mpar: ") + e.what());
        }
        return classify(o, rank);
    });
}
