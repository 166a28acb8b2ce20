// SPDX-License-Identifier: MIT
// The networks that programs offer by name, behind one interface. Knows no image and no option.
#pragma once

#include <mpar/kernels/reference/backend.hpp>
#include <mpar/models/load.hpp>
#include <mpar/models/policy_file.hpp>
#include <mpar/models/seeded.hpp>
#include <mpar/mpar.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tools {

/// A network whose type was chosen by its name: any number of ranks, float.
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

template <class Net, class Backend>
class named_model : public model {
public:
    named_model(MPI_Comm comm, const mpar::options& o) : net_(comm, o) {}

    mpar::loading load(const mpar::io::weight_source& from, const mpar::cache_in& cache) override {
        if (from.path != "seeded") return mpar::load(net_, from, cache);
        mpar::load_seeded(net_);
        return {};
    }
    void forward(const mpar::view<const float>& images, const mpar::view<float>& logits) override {
        net_.forward(images, logits);
    }
    const mpar::plan& steps() const override { return net_.steps(); }
    const mpar::part& mine() const override { return net_.mine(); }
    mpar::communicator& comm() override { return net_.comm(); }
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
        const auto runners = mpar::runners_up(mpar::tape_of<Net>, Net::input::given, p,
                                              {net_.mine().of, m, 0, true, true});
        return mpar::describe(p, net_.mine(), mpar::plan_notes{&cost, runners, {}});
    }
    long activations_bytes() const override { return static_cast<long>(net_.activations_bytes()); }

private:
    mpar::network<Net, mpar::mesh<>, Backend> net_;
};

using maker = std::unique_ptr<model> (*)(MPI_Comm, const mpar::options&);

template <class Net, class Backend>
std::unique_ptr<model> make(MPI_Comm comm, const mpar::options& o) {
    return std::make_unique<named_model<Net, Backend>>(comm, o);
}

struct offer {
    std::string_view name;
    maker cpu, reference;
    std::vector<mpar::placed_layer> (*layers)();
};

template <class Net>
constexpr offer offer_of(std::string_view name) {
    return {name, &make<Net, mpar::backend::cpu>, &make<Net, mpar::backend::reference>,
            &mpar::layers_to_place<Net>};
}

/// throws: error(usage) when there is no such model.
inline const offer& find(std::string_view name);

}  // namespace detail

inline constexpr detail::offer models[] = {
    detail::offer_of<mpar::resnet18>("resnet18"),
    detail::offer_of<mpar::resnet34>("resnet34"),
    detail::offer_of<mpar::resnet50>("resnet50"),
    detail::offer_of<mpar::resnet101>("resnet101"),
    detail::offer_of<mpar::resnet152>("resnet152"),
    detail::offer_of<mpar::densenet121>("densenet121"),
    detail::offer_of<mpar::densenet169>("densenet169"),
    detail::offer_of<mpar::densenet201>("densenet201"),
    detail::offer_of<mpar::cspdarknet53>("cspdarknet53"),
    detail::offer_of<mpar::efficientnet_lite0>("efficientnet_lite0"),
};

inline const detail::offer& detail::find(std::string_view name) {
    std::string known;
    for (const auto& m : models) {
        if (m.name == name) return m;
        known += (known.empty() ? "" : ", ") + std::string(m.name);
    }
    throw mpar::error(mpar::fault::usage,
                      "mpar: there is no model " + std::string(name) + "; there are " + known);
}

/// The layers of a model that have weights to place. throws: error(usage) when there is no such one.
inline std::vector<mpar::placed_layer> layers_of(std::string_view name) {
    return detail::find(name).layers();
}

/// collective. throws: error(usage) when there is no such model or engine ("cpu", "reference").
inline std::unique_ptr<model> make_model(std::string_view name, std::string_view engine,
                                         MPI_Comm comm, const mpar::options& o) {
    const auto& m = detail::find(name);
    if (engine == "cpu") return m.cpu(comm, o);
    if (engine == "reference") return m.reference(comm, o);
    throw mpar::error(mpar::fault::usage, "mpar: there is no engine " + std::string(engine) +
                                              "; there are cpu and reference");
}

}  // namespace tools
