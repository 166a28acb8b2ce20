// SPDX-License-Identifier: MIT
// The few functions of <cmath> that every network needs, without its special functions, which are a
// tenth of what the umbrella header compiles. The same instructions and calls, so the same bits.
#pragma once

namespace mpar {

/// a * b + c, rounded once on every machine; a call where the ISA has no such instruction.
inline double multiply_add(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline double square_root(double x) { return __builtin_sqrt(x); }
inline float exponential(float x) { return __builtin_expf(x); }
inline double exponential(double x) { return __builtin_exp(x); }

}  // namespace mpar
