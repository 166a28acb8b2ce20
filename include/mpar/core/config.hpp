// SPDX-License-Identifier: MIT
// The library's macros and what the compiler's flags say about the machine. Knows no type of mpar.
#pragma once

// nvcc hands the pragmas of the host's kernels on to the host's compiler, but complains that it does
// not know them itself.
#if defined(__CUDACC__)
#pragma nv_diag_suppress 1675
#endif

#define MPAR_VERSION_MAJOR 0
#define MPAR_VERSION_MINOR 1
#define MPAR_VERSION_PATCH 0

/// One number to compare, as in `#if MPAR_VERSION >= 100`.
#define MPAR_VERSION (MPAR_VERSION_MAJOR * 10000 + MPAR_VERSION_MINOR * 100 + MPAR_VERSION_PATCH)

/// Whether the core adds in pipes of their own, beside its multiply-adds: AMD's since Zen. An addition
/// is then for nothing where products take the time, and kernels have two of them for each
/// multiplication that they save. Of use with AVX-512 alone, whose registers hold what that needs.
/// (gcc 12 takes Zen 4 for a Zen 3 with AVX-512.)
#if !defined(MPAR_ADD_PIPES)
#if defined(__AVX512F__) && (defined(__znver3__) || defined(__znver4__) || defined(__znver5__))
#define MPAR_ADD_PIPES 1
#else
#define MPAR_ADD_PIPES 0
#endif
#endif

/// The ISA that the user's own flags allow; mpar adds no flag. Kernels live in a namespace that names
/// all that changes their code, so that translation units of different flags may be linked together:
/// the vectors; f, multiply-adds where the vectors leave that open; v, AVX-512's second generation of
/// instructions; p, products in pairs. Short, as it stands in every kernel's symbol.
#if defined(__AVX512F__)
#define MPAR_VECTOR_BYTES 64
#define MPAR_ISA "AVX-512"
#if defined(__AVX512VBMI__) && MPAR_ADD_PIPES
#define MPAR_ISA_NAMESPACE avx512vp
#elif defined(__AVX512VBMI__)
#define MPAR_ISA_NAMESPACE avx512v
#elif MPAR_ADD_PIPES
#define MPAR_ISA_NAMESPACE avx512p
#else
#define MPAR_ISA_NAMESPACE avx512
#endif
#elif defined(__AVX2__) && defined(__FMA__)
#define MPAR_VECTOR_BYTES 32
#define MPAR_ISA "AVX2+FMA"
#if MPAR_ADD_PIPES
#define MPAR_ISA_NAMESPACE avx2p
#else
#define MPAR_ISA_NAMESPACE avx2
#endif
#else
#define MPAR_VECTOR_BYTES 16
#define MPAR_ISA "128-bit"
#if defined(__FMA__) && MPAR_ADD_PIPES
#define MPAR_ISA_NAMESPACE plainfp
#elif defined(__FMA__)
#define MPAR_ISA_NAMESPACE plainf
#elif MPAR_ADD_PIPES
#define MPAR_ISA_NAMESPACE plainp
#else
#define MPAR_ISA_NAMESPACE plain
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

/// Whether the compiler has a multiply-add of vectors of its own, for every machine.
#define MPAR_HAS_ELEMENTWISE_FMA 0
#if defined(__has_builtin)
#if __has_builtin(__builtin_elementwise_fma)
#undef MPAR_HAS_ELEMENTWISE_FMA
#define MPAR_HAS_ELEMENTWISE_FMA 1
#endif
#endif

/// Whether the optional decoders' libraries are there: the build's target mpar::images says so.
#if !defined(MPAR_HAVE_WEBP)
#define MPAR_HAVE_WEBP 0
#endif
#if !defined(MPAR_HAVE_TIFF)
#define MPAR_HAVE_TIFF 0
#endif
