// SPDX-License-Identifier: MIT
// What a backend must offer, as a concept. Knows none of them.
#pragma once

#include <mpar/kernels/border.hpp>
#include <mpar/kernels/clip.hpp>
#include <mpar/kernels/convolution.hpp>
#include <mpar/tensor/activation.hpp>
#include <mpar/tensor/taps.hpp>
#include <mpar/tensor/view.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace mpar {

/// Where elements live: host_memory's functions, `a.release(a.allocate(bytes))`.
template <class M>
concept memory_type = requires(void* p, std::size_t bytes) {
    { M::allocate(bytes) } -> std::same_as<void*>;
    M::release(p);
};

/// A point in the work of a queue, which may be recorded again when it is done. is_done() tells without
/// a wait whether all work before that point is done, as it is before any is recorded; finish() has the
/// host wait for that, and for nothing that was submitted later.
template <class E>
concept event_type = std::default_initializable<E> && std::is_nothrow_move_constructible_v<E> &&
    requires(E& event) {
    { event.is_done() } -> std::same_as<bool>;
    event.finish();
};

/// The order of execution: kernels of one queue run one after another, finish() waits for them all.
/// What is submitted after wait(event) begins when the event, of any queue, is done; the host goes on.
template <class Q>
concept queue_type = event_type<typename Q::event> &&
    requires(Q& queue, typename Q::event& event, void* to, const void* from, std::size_t bytes) {
    queue.copy_to_device(to, from, bytes);
    queue.copy_to_host(to, from, bytes);
    queue.record(event);
    queue.wait(event);
    queue.finish();
};

/// Every kernel of mpar for elements T, as static functions of one type.
///
/// A third backend offers, besides the functions below (contracts: reference/*.hpp):
/// - `memory`, in which tensors lie, and `queue`. A kernel is submitted to the queue and need not be
///   complete when the function returns; finite() and queue.finish() wait. pack_filters works on host
///   memory.
/// - `staging`, memory that its copy() and the host's messages both reach; host_memory where there is
///   but one. What is copied there is read once an event that was recorded behind the copy is done.
/// - `block<T>`, the channel block of the views that its kernels take. Views of another block are
///   for copy and flatten only. Row and image strides are free; stride_w is the block.
/// - optionally `image_block<T>`: conv2d without groups and without tiles then takes an x of no more
///   channels in that block too; `cache_bytes`, in which a step's tensors should fit: a batch then
///   goes through steps some images at a time; and `divides`, a granularity.
/// - Zeros in the lanes of y's last block that are no channel, given zeros there in x.
/// - Nothing done for empty views; NaN in, NaN out.
/// - The same bits for an element of y wherever it lies in y and whatever else the call computes:
///   layers are cut between ranks by rows, columns, images and blocks of output channels, and P
///   ranks equal one rank. The code path depends on the layer's problem, never on local extents.
/// conv2d and dense may compute partial sums: in_channels less than the layer's.
///
/// winograd_tile says which tiles conv2d would best use for that layer's whole output (1: products in
/// pairs, see kernels/convolution.hpp); 0: none. It
/// is asked only where results need not be those of the direct sum. packed_filters, pack_filters and
/// conv2d then get a problem that has them. workspace is how many elements conv2d needs besides, for
/// this rank's y and that many workers of the queue; conv2d gets them last.
template <class B, class T>
concept backend_for = requires(typename B::queue& queue, const convolution& problem,
                               const epilogue<T>& then, const sliding& window, const clip& padding,
                               const box& interior, const border& around,
                               const border_line& line, activation act, view<T> y, view<const T> x,
                               const T* from, T* to, view<const std::uint8_t> bytes,
                               view<const double> wide) {
    { B::template block<T> } -> std::convertible_to<int>;
    { B::template winograd_tile<T>(problem, y.extents) } -> std::convertible_to<int>;
    { B::template packed_filters<T>(problem) } -> std::convertible_to<long>;
    { B::template workspace<T>(problem, y.extents, 1) } -> std::convertible_to<long>;
    B::pack_filters(from, problem, to);
    B::conv2d(queue, problem, x, from, from, then, y, to);
    B::dense(queue, problem, x, from, from, then, y);
    B::max_pool(queue, window, padding, x, y);
    B::avg_pool(queue, window, padding, true, x, y);
    B::row_sums(queue, x, y);
    B::mean_rows(queue, 1.0, x, y);
    B::affine(queue, x, from, from, act, y);
    B::activate(queue, x, act, y);
    B::add(queue, x, x, act, y);
    B::multiply(queue, x, x, act, y);
    B::pad(queue, around, line, line, x, y);
    B::softmax(queue, x, y);
    B::copy(queue, x, y);
    B::copy(queue, bytes, y);
    B::copy(queue, wide, y);
    B::copy_channels(queue, x, 1, y);
    B::flatten(queue, x, y);
    B::clear_margin(queue, y, interior);
    { B::finite(queue, x) } -> std::same_as<bool>;
};

template <class B>
concept backend_type = memory_type<typename B::memory> && memory_type<typename B::staging> &&
    queue_type<typename B::queue> && backend_for<B, float> && requires {
    { B::name } -> std::convertible_to<std::string_view>;
    { B::isa() } -> std::convertible_to<std::string>;
};

}  // namespace mpar
