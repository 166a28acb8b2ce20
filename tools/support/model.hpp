// SPDX-License-Identifier: MIT
// A network of those that programs offer, behind one interface. Knows no image and no option.
#pragma once

#include "support/nets.hpp"

#include <mpar/kernels/reference/backend.hpp>
#include <mpar/models/fitted.hpp>
#include <mpar/models/load.hpp>
#include <mpar/models/policy_file.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/net/describe.hpp>
#include <mpar/net/dynamic_network.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tools {

/// A network that was chosen by its name: any number of ranks, float.
class model {
public:
    virtual ~model() = default;

    /// collective, as mpar::load; "seeded" in place of a path makes the weights from their names.
    virtual mpar::loading load(const mpar::io::weight_source& from,
                               const mpar::cache_in& cache) = 0;
    virtual void forward(const mpar::view<const float>& images,
                         const mpar::view<float>& logits) = 0;
    virtual const mpar::plan& steps() const = 0;
    virtual const mpar::part& mine() const = 0;
    virtual mpar::communicator& comm() = 0;
    virtual const std::string& note() const = 0;
    virtual mpar::traffic measured() const = 0;
    virtual mpar::traffic predicted() const = 0;
    virtual mpar::shape input_shape() const = 0;
    virtual long weights_bytes() const = 0;
    virtual long activations_bytes() const = 0;
    /// Of a forward on that machine.
    virtual mpar::forecast forecast(const std::optional<mpar::machine>& named) const = 0;
    virtual std::string described(const std::optional<mpar::machine>& named) const = 0;
};

namespace detail {

template <class Backend>
class model_on : public model {
public:
    /// `fit`: made of `o`'s net.
    model_on(const net_offer& o, mpar::fitted_net&& fit, MPI_Comm comm, const mpar::options& how)
        : offer_(o), net_(comm, std::move(fit.net), fit.image, how, o.given) {}

    mpar::loading load(const mpar::io::weight_source& from, const mpar::cache_in& cache) override {
        if (from.path != "seeded") {
            return mpar::load_spelled(net_, from, offer_.spellings(), cache);
        }
        mpar::load_seeded(net_, offer_.spellings().front());
        return {};
    }
    void forward(const mpar::view<const float>& images, const mpar::view<float>& logits) override {
        net_.forward(images, logits);
    }
    const mpar::plan& steps() const override { return net_.steps(); }
    const mpar::part& mine() const override { return net_.mine(); }
    mpar::communicator& comm() override { return net_.comm(); }
    const std::string& note() const override { return net_.note(); }
    mpar::traffic measured() const override { return net_.measured(); }
    mpar::traffic predicted() const override { return net_.predicted(); }
    mpar::shape input_shape() const override { return net_.input_box().extents(); }
    long weights_bytes() const override { return static_cast<long>(net_.weights_bytes()); }
    mpar::forecast forecast(const std::optional<mpar::machine>& named) const override {
        return mpar::forecast_of(net_.steps(), net_.mine().of, mpar::machine_for<Backend>(named));
    }
    std::string described(const std::optional<mpar::machine>& named) const override {
        const mpar::machine m = mpar::machine_for<Backend>(named);
        const mpar::plan& p = net_.steps();
        const mpar::forecast cost = mpar::forecast_of(p, net_.mine().of, m);
        const auto runners =
            mpar::runners_up(offer_.net, offer_.given, p, {net_.mine().of, m, 0, true, true});
        return mpar::describe(p, net_.mine(), mpar::plan_notes{&cost, runners, {}});
    }
    long activations_bytes() const override { return static_cast<long>(net_.activations_bytes()); }

private:
    const net_offer& offer_;
    mpar::dynamic_network<Backend> net_;
};

}  // namespace detail

/// The layers of a model that have weights to place. throws: error(usage) when there is no such one.
inline std::vector<mpar::placed_layer> layers_of(std::string_view name) {
    const net_offer& o = offer_named(name);
    return mpar::layers_to_place(o.net, o.image, o.given, o.spellings().front());
}

/// What differs from the model as it was published.
struct model_form {
    mpar::io::weight_source weights{"seeded"};  ///< the file whose classes and channels it has
    int height = 0, width = 0;                  ///< of an image; 0: as published
};

/// collective. throws: error(usage) when there is no such model or engine ("cpu", "reference"), or an
/// image is too small; error(model) when the file cannot be read.
inline std::unique_ptr<model> make_model(std::string_view name, std::string_view engine,
                                         MPI_Comm comm, const mpar::options& o,
                                         const model_form& form = {}) {
    const net_offer& offer = offer_named(name);
    if (engine != "cpu" && engine != "reference") {
        throw mpar::error(mpar::fault::usage, "mpar: there is no engine " + std::string(engine) +
                                                  "; there are cpu and reference");
    }
    mpar::shape image = offer.image;
    if (form.height) image.h = form.height, image.w = form.width;
    mpar::fitted_net fit;
    mpar::communicator all(comm, mpar::seconds(o.deadline > 0 ? o.deadline : 300));
    mpar::agree(all, [&] {
        std::optional<mpar::io::tensor_file> file;
        if (form.weights.path != "seeded") file.emplace(mpar::io::read_weights(form.weights));
        fit = mpar::fitted(offer.net, image, offer.spellings(), file ? &*file : nullptr);
    });
    if (engine == "cpu") {
        return std::make_unique<detail::model_on<mpar::backend::cpu>>(offer, std::move(fit), comm,
                                                                      o);
    }
    return std::make_unique<detail::model_on<mpar::backend::reference>>(offer, std::move(fit), comm,
                                                                        o);
}

}  // namespace tools
