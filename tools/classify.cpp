// SPDX-License-Identifier: MIT
// classify: images through a network on the ranks of the job. See --help.
#include "support/classify_options.hpp"
#include "support/classify_report.hpp"
#include "support/model.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"

#include <mpar/comm/all_gather.hpp>
#include <mpar/io/file_identity.hpp>
#include <mpar/io/image.hpp>
#include <mpar/io/safetensors.hpp>
#include <mpar/shard/machine_file.hpp>

#include <sys/resource.h>

namespace {

using mpar::fault;
using tools::classify_options;
using tools::classify_report;

constexpr mpar::shape picture{1, 3, 224, 224};

/// All images, prepared: NCHW. Every rank reads them; a bad one is every rank's error.
std::vector<float> read_images(mpar::communicator& comm, const classify_options& o) {
    std::vector<float> values;
    mpar::agree(comm, [&] {
        if (const int n = o.seeded_images()) {
            const std::int64_t extents[] = {n, picture.c, picture.h, picture.w};
            values = mpar::io::seeded_values<float>("input", extents);
            return;
        }
        const auto how = *mpar::io::preprocessing_named(o.preprocess);
        values.resize(o.images.size() * std::size_t(picture.count()));
        tools::progress bar("images", long(o.images.size()), comm.rank());
        for (std::size_t i = 0; i < o.images.size(); ++i) {
            const auto file = mpar::io::read_image_file(o.images[i]);
            mpar::io::preprocess(file, {fault::input, o.images[i]}, how, o.turning(),
                                 values.data() + i * std::size_t(picture.count()));
            bar.at(long(i + 1));
        }
    });
    return values;
}

/// Forwards all images in batches; the last is filled up with zeros.
std::vector<float> forward_all(tools::model& net, const std::vector<float>& images, int count) {
    const mpar::shape batch = net.input_shape();
    const int classes = net.steps().output().extents.c;
    std::vector<float> logits, x(std::size_t(batch.count())),
        y(std::size_t(batch.n) * std::size_t(classes));
    tools::progress bar("forward", count, net.comm().rank());
    for (int done = 0; done < count; done += batch.n) {
        const auto begin = images.begin() + done * picture.count();
        const long values = std::min(batch.count(), long(images.end() - begin));
        std::fill(std::copy(begin, begin + values, x.begin()), x.end(), 0.0f);
        net.forward(mpar::dense_view(std::as_const(x).data(), batch),
                    mpar::dense_view(y.data(), {batch.n, classes, 1, 1}));
        logits.insert(logits.end(), y.begin(),
                      y.begin() + std::min(batch.n, count - done) * classes);
        bar.at(std::min(done + batch.n, count));
    }
    return logits;
}

double milliseconds_since(std::chrono::steady_clock::time_point began) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
        .count();
}

/// The slowest rank's time of each forward of one batch.
tools::samples time_forwards(tools::model& net, const std::vector<float>& images, int batch,
                             int repeat) {
    tools::samples times;
    const std::vector<float> first(
        images.begin(), images.begin() + std::min(long(images.size()), batch * picture.count()));
    tools::progress bar("timed forwards", repeat, net.comm().rank());
    for (int i = 0; i < repeat; ++i) {
        mpar::all_reduce(net.comm(), 0, MPI_SUM);
        const auto began = std::chrono::steady_clock::now();
        forward_all(net, first, batch);
        const long mine = long(milliseconds_since(began) * 1e6);
        times.add(double(mpar::all_reduce(net.comm(), mine, MPI_MAX)) * 1e-6);
        bar.at(i + 1);
    }
    return times;
}

void write_logits(mpar::communicator& comm, const std::string& path,
                  const std::vector<float>& logits, int count) {
    mpar::agree(comm, [&] {
        if (comm.rank() != 0) return;
        const mpar::io::stored_tensor tensor{"logits",
                                             mpar::dtype::f32,
                                             {count, std::int64_t(logits.size()) / count},
                                             std::as_bytes(std::span(logits))};
        mpar::io::write_safetensors(mpar::io::canonical(path), std::span(&tensor, 1), fault::input);
    });
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
void read_plan(const classify_options& o, mpar::options& how) {
    mpar::communicator all(MPI_COMM_WORLD, mpar::seconds(o.deadline));
    mpar::agree(all, [&] {
        if (!o.machine.empty()) how.planned_on = mpar::read_machine(o.machine);
        if (o.is_policy_file())
            how.placed = mpar::read_policies(o.policy, tools::layers_of(o.model));
    });
}

int classify(const classify_options& o, int rank) {
    require_sensible(o);
    const int count = o.input.empty() ? int(o.images.size()) : o.seeded_images();
    mpar::options how = o.network(std::min(count, o.batch));
    read_plan(o, how);
    auto net = tools::make_model(o.model, o.engine, MPI_COMM_WORLD, how);
    const int classes = net->steps().output().extents.c;
    classify_report r;
    const auto began = std::chrono::steady_clock::now();
    r.loaded = net->load({o.weights, o.weights_key}, {o.cache});
    r.load_ms = milliseconds_since(began);
    mpar::agree(net->comm(), [&] {
        if (!o.labels.empty()) r.labels = tools::read_labels(o.labels, classes);
    });
    const auto images = read_images(net->comm(), o);

    const auto logits = forward_all(*net, images, count);
    const mpar::traffic all = net->measured();
    const int forwards = (count + how.batch - 1) / how.batch;
    const mpar::traffic one{all.bytes_received / forwards, all.messages_received / forwards,
                            all.bytes_sent / forwards, all.messages_sent / forwards};
    mpar::agree(net->comm(), [&] {
        const auto bad = std::ranges::find_if_not(logits, [](float l) { return std::isfinite(l); });
        if (bad == logits.end()) return;
        throw mpar::error(fault::numbers, "mpar: the logits of image " +
                                              std::to_string((bad - logits.begin()) / classes) +
                                              " are not finite");
    });
    r.latency = time_forwards(*net, images, how.batch, o.repeat);
    r.predicted_ms = net->forecast(how.planned_on).seconds * 1e3;
    gather_figures(r, *net, one);
    r.isa = o.engine == "cpu" ? mpar::backend::cpu::isa() : mpar::backend::reference::isa();
    for (int i = 0; i < count; ++i) {
        const auto mine = std::span(logits).subspan(std::size_t(i * classes), std::size_t(classes));
        r.images.push_back(
            {o.input.empty() ? o.images[std::size_t(i)] : o.input + "#" + std::to_string(i),
             tools::likeliest(mine, o.top)});
    }
    if (!o.logits.empty()) write_logits(net->comm(), o.logits, logits, count);
    mpar::agree(net->comm(), [&] {
        if (rank != 0) return;
        if (!o.save_policy.empty()) {
            mpar::write_policies(o.save_policy, tools::layers_of(o.model), net->steps());
        }
        if (!o.json.empty())
            tools::write_json(to_json(r, o), o.json);  // what can fail comes before what is printed
        auto& table = o.json == "-" ? std::cerr : std::cout;
        if (o.describe) table << net->described(how.planned_on);
        if (o.json != "-") print_table(r, std::cout);
        if (!std::cout.flush()) {
            throw mpar::error(fault::input, "mpar: standard output cannot be written");
        }
        if (!net->note().empty()) std::cerr << "mpar: note: " + net->note() + "\n";
        if (!r.loaded.not_kept.empty()) {
            std::cerr << "mpar: note: no weights are cached: " + r.loaded.not_kept.substr(6) + "\n";
        }
    });
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
