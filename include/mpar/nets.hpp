// SPDX-License-Identifier: MIT
// The words in which nets are written, and no others: for `using namespace mpar::nets` in a program that
// has words of its own. Where the library's word is a common one, its name here is a longer one.
#pragma once

#include <mpar/layers/activations.hpp>
#include <mpar/layers/batch_norm.hpp>
#include <mpar/layers/channels.hpp>
#include <mpar/layers/conv2d.hpp>
#include <mpar/layers/dense.hpp>
#include <mpar/layers/dropout.hpp>
#include <mpar/layers/flatten.hpp>
#include <mpar/layers/global_avg_pool.hpp>
#include <mpar/layers/identity.hpp>
#include <mpar/layers/pad2d.hpp>
#include <mpar/layers/pool.hpp>
#include <mpar/layers/softmax.hpp>
#include <mpar/net/dynamic_network.hpp>
#include <mpar/net/network.hpp>

namespace mpar::nets {

// How layers are composed, and what a net takes.
using mpar::chain;
using mpar::concat;
using mpar::image;
using mpar::product;
using mpar::repeat;
using mpar::residual;
using mpar::split;

// Layers and their options.
using mpar::avg_pool;
using mpar::batch_norm;
using mpar::channels;
using mpar::conv2d;
using mpar::count_padding;
using mpar::dense;
using mpar::depthwise_conv2d;
using mpar::dropout;
using mpar::fill_constant;
using mpar::fill_edge;
using mpar::fill_reflect;
using mpar::flatten;
using mpar::global_avg_pool;
using mpar::groups;
using mpar::identity;
using mpar::ignore_padding;
using mpar::leaky_relu;
using mpar::max_pool;
using mpar::pad2d;
using mpar::relu;
using mpar::relu6;
using mpar::silu;
using mpar::softmax;
using mpar::with_bias;

// Windows: window<3, 2, padding<1>>, window<3, 2, same_padding>,
// oblong<window_kernel<3, 5>, window_stride<1, 2>>.
using mpar::centred;
using mpar::dilation;
using mpar::oblong;
using mpar::window;
using same_padding = mpar::same;
template <int Top, int Bottom = Top, int Left = Top, int Right = Bottom>
using padding = mpar::pad<Top, Bottom, Left, Right>;
template <int Rows, int Columns>
using window_kernel = mpar::kernel<Rows, Columns>;
template <int Rows, int Columns>
using window_stride = mpar::stride<Rows, Columns>;

// Policies, meshes and networks.
using mpar::dynamic_network;
using mpar::mesh;
using mpar::network;
namespace axis = mpar::axis;
namespace backend = mpar::backend;
namespace shard = mpar::shard;

}  // namespace mpar::nets
