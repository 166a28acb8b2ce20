// SPDX-License-Identifier: MIT
// A stretch of a test whose memory nobody frees, for good reason. Knows LeakSanitizer, where there is one.
#pragma once

// Defined by the run time of LeakSanitizer, absent without it.
extern "C" __attribute__((weak)) void __lsan_disable();
extern "C" __attribute__((weak)) void __lsan_enable();

namespace mpar_test {

/// While it lives, what this thread allocates is no leak: MPI's own start, or a communicator that
/// must not be freed because another rank may still use it.
class leaks_on_purpose {
public:
    leaks_on_purpose() {
        if (__lsan_disable) __lsan_disable();
    }
    ~leaks_on_purpose() {
        if (__lsan_enable) __lsan_enable();
    }
    leaks_on_purpose(const leaks_on_purpose&) = delete;
};

}  // namespace mpar_test
