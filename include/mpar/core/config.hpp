// SPDX-License-Identifier: MIT
// The library's macros and what the compiler's flags say about the machine. Knows no type of mpar.
#pragma once

#define MPAR_VERSION_MAJOR 0
#define MPAR_VERSION_MINOR 1
#define MPAR_VERSION_PATCH 0

/// One number to compare, as in `#if MPAR_VERSION >= 100`.
#define MPAR_VERSION (MPAR_VERSION_MAJOR * 10000 + MPAR_VERSION_MINOR * 100 + MPAR_VERSION_PATCH)

/// The ISA that the user's own flags allow; mpar adds no flag. Kernels live in a namespace of its name,
/// so that translation units of different flags may be linked together.
#if defined(__AVX512F__)
#define MPAR_VECTOR_BYTES 64
#define MPAR_ISA "AVX-512"
#define MPAR_ISA_NAMESPACE avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define MPAR_VECTOR_BYTES 32
#define MPAR_ISA "AVX2+FMA"
#define MPAR_ISA_NAMESPACE avx2
#else
#define MPAR_VECTOR_BYTES 16
#define MPAR_ISA "128-bit"
#define MPAR_ISA_NAMESPACE plain
#endif

/// Whether the core adds in pipes of their own, beside its multiply-adds: AMD's since Zen. An addition
/// is then for nothing where products take the time, and kernels have two of them for each
/// multiplication that they save. Of use with AVX-512 alone, whose registers hold what that needs.
/// (gcc 12 takes Zen 4 for a Zen 3 with AVX-512.) Translation units that are linked together agree.
#if !defined(MPAR_ADD_PIPES)
#if defined(__AVX512F__) && (defined(__znver3__) || defined(__znver4__) || defined(__znver5__))
#define MPAR_ADD_PIPES 1
#else
#define MPAR_ADD_PIPES 0
#endif
#endif

/// For a register tile, whose accumulators live in registers only if it is inlined whole.
#if defined(__GNUC__)
#define MPAR_ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define MPAR_ALWAYS_INLINE inline
#endif

/// Makes a vector a register's value that the compiler cannot load once more instead.
#if defined(__x86_64__) || defined(__i386__)
#define MPAR_KEEP_IN_REGISTER(vector) asm("" : "+v"(vector))
#else
#define MPAR_KEEP_IN_REGISTER(vector) static_cast<void>(vector)
#endif
