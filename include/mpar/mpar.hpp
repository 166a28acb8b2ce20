// SPDX-License-Identifier: MIT
// All that a program needs to write a net as a type and run it on its ranks. Files and images are
// apart, for they need other libraries: mpar/models/load.hpp, mpar/io/image.hpp.
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
#include <mpar/models/cspdarknet.hpp>
#include <mpar/models/densenet.hpp>
#include <mpar/models/efficientnet_lite.hpp>
#include <mpar/models/resnet.hpp>
#include <mpar/net/describe.hpp>
#include <mpar/net/dynamic_network.hpp>
#include <mpar/net/network.hpp>
#include <mpar/nets.hpp>
