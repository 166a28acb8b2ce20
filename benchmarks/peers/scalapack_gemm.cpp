// SPDX-License-Identifier: MIT
// scalapack_gemm M N K: ScaLAPACK's psgemm on the ranks of the job, for each block size and grid; JSON
// of milliseconds on rank 0. Knows nothing of mpar. Built by matmul.sh.
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

extern "C" {
void Cblacs_get(int, int, int*);
void Cblacs_gridinit(int*, const char*, int, int);
void Cblacs_gridinfo(int, int*, int*, int*, int*);
void Cblacs_gridexit(int);
int numroc_(const int*, const int*, const int*, const int*, const int*);
void descinit_(int*, const int*, const int*, const int*, const int*, const int*, const int*,
               const int*, const int*, int*);
void psgemm_(const char*, const char*, const int*, const int*, const int*, const float*,
             const float*, const int*, const int*, const int*, const float*, const int*, const int*,
             const int*, const float*, float*, const int*, const int*, const int*);
char* openblas_get_corename();
char* openblas_get_config();
void openblas_set_num_threads(int);
}

namespace {

constexpr int zero = 0, one = 1;

/// Numbers from -0.5 to 0.5.
float element(unsigned which, int i, int j) {
    unsigned x = unsigned(i) * 2654435761u + unsigned(j) * 2246822519u + which * 3266489917u;
    x = (x ^ (x >> 15)) * 2246822519u;
    x ^= x >> 13;
    return float(x >> 8) / float(1 << 24) - 0.5f;
}

/// A matrix in ScaLAPACK's block-cyclic order.
struct cyclic {
    int descriptor[9] = {};
    int block = 0, row = 0, column = 0, rows = 0, columns = 0, local_rows = 0;
    std::vector<float> values;

    cyclic(int context, int m, int n, int nb) : block(nb) {
        Cblacs_gridinfo(context, &rows, &columns, &row, &column);
        local_rows = std::max(1, numroc_(&m, &nb, &row, &zero, &rows));
        const int local_columns = std::max(1, numroc_(&n, &nb, &column, &zero, &columns));
        values.resize(std::size_t(local_rows) * std::size_t(local_columns));
        int info = 0;
        descinit_(descriptor, &m, &n, &nb, &nb, &zero, &zero, &context, &local_rows, &info);
        if (info != 0) std::abort();
    }
    int global(int local, int of, int all) const {
        return (local / block * all + of) * block + local % block;
    }
    template <class F>
    void each(F f) {
        const int local_columns = int(values.size()) / local_rows;
        for (int j = 0; j < local_columns; ++j) {
            for (int i = 0; i < local_rows; ++i) {
                f(values[std::size_t(j) * std::size_t(local_rows) + std::size_t(i)],
                  global(i, row, rows), global(j, column, columns));
            }
        }
    }
};

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

/// The greatest difference from sums in double precision, of some elements.
double error_of(cyclic& c, int m, int n, int k) {
    double greatest = 0, of = 1e-30;
    long seen = 0;
    const long step = std::max(1L, long(c.values.size()) / 500);
    c.each([&](float value, int i, int j) {
        if (i >= m || j >= n || seen++ % step != 0) return;
        double sum = 0;
        for (int l = 0; l < k; ++l) sum += double(element(1, i, l)) * double(element(2, l, j));
        greatest = std::max(greatest, std::abs(sum - double(value)));
        of = std::max(of, std::abs(sum));
    });
    return greatest / of;
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = 0, ranks = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (argc < 4) {
        if (rank == 0) std::fprintf(stderr, "usage: scalapack_gemm M N K [repeat [nb...]]\n");
        MPI_Finalize();
        return 2;
    }
    openblas_set_num_threads(1);
    const int m = std::atoi(argv[1]), n = std::atoi(argv[2]), k = std::atoi(argv[3]);
    const int repeat = argc > 4 ? std::atoi(argv[4]) : 5;
    std::vector<int> sizes;
    for (int i = 5; i < argc; ++i) sizes.push_back(std::atoi(argv[i]));
    if (sizes.empty()) sizes = {32, 64, 128, 256, 512};
    if (rank == 0) {
        std::printf("{\"core\": \"%s\", \"openblas\": \"%s\", \"runs\": [", openblas_get_corename(),
                    openblas_get_config());
    }
    const char* comma = "";
    for (const int nb : sizes) {
        for (int p = 1; p <= ranks; ++p) {
            if (ranks % p != 0) continue;
            int context = 0;
            Cblacs_get(-1, 0, &context);
            Cblacs_gridinit(&context, "Row", p, ranks / p);
            cyclic a(context, m, k, nb), b(context, k, n, nb), c(context, m, n, nb);
            a.each([](float& x, int i, int j) { x = element(1, i, j); });
            b.each([](float& x, int i, int j) { x = element(2, i, j); });
            const float alpha = 1, beta = 0;
            std::vector<double> times;
            for (int round = 0; round <= repeat; ++round) {
                MPI_Barrier(MPI_COMM_WORLD);
                double took = now();
                psgemm_("N", "N", &m, &n, &k, &alpha, a.values.data(), &one, &one, a.descriptor,
                        b.values.data(), &one, &one, b.descriptor, &beta, c.values.data(), &one,
                        &one, c.descriptor);
                took = now() - took;
                MPI_Allreduce(MPI_IN_PLACE, &took, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
                if (round > 0) times.push_back(took * 1e3);
            }
            double error = error_of(c, m, n, k);
            MPI_Allreduce(MPI_IN_PLACE, &error, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
            if (rank == 0) {
                std::printf("%s\n  {\"nb\": %d, \"grid\": \"%dx%d\", \"max_error\": %g, \"ms\": [",
                            comma, nb, p, ranks / p, error);
                for (std::size_t i = 0; i < times.size(); ++i)
                    std::printf("%s%.4f", i ? ", " : "", times[i]);
                std::printf("]}");
                comma = ",";
            }
            Cblacs_gridexit(context);
        }
    }
    if (rank == 0) std::printf("]}\n");
    MPI_Finalize();
    return 0;
}
