// SPDX-License-Identifier: MIT
// A slow network: a receive that was started is not done before alpha + beta * bytes have passed, one
// message after the other. This header defines MPI's functions over their PMPI twins, so that one file
// of a program includes it, and not comm/calls.hpp with it.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <map>

namespace delayed {

/// Seconds of a message and of a byte in it; what has come through this rank's one link so far.
struct network {
    double alpha = 0, beta = 0;
    double busy_until = 0;
    double total = 0;  ///< seconds of all messages since forget()
};
inline network& link() {
    static network one;
    return one;
}
inline void set(double alpha, double beta) { link() = {alpha, beta, 0, 0}; }

/// Persistent receives: their bytes, and when they may be done.
struct receive {
    long bytes = 0;
    double due = 0;
};
inline std::map<MPI_Request, receive>& receives() {
    static std::map<MPI_Request, receive> all;
    return all;
}

inline void start(MPI_Request request) {
    const auto found = receives().find(request);
    if (found == receives().end()) return;
    network& n = link();
    const double takes = n.beta * double(found->second.bytes);
    n.busy_until = std::max(n.busy_until, MPI_Wtime()) + takes;
    n.total += n.alpha + takes;
    found->second.due = n.busy_until + n.alpha;
}

}  // namespace delayed

extern "C" {

int MPI_Recv_init(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
                  MPI_Request* request) {
    int size = 0;
    PMPI_Type_size(type, &size);
    const int code = PMPI_Recv_init(data, count, type, from, tag, comm, request);
    delayed::receives()[*request] = {long(count) * size, 0};
    return code;
}
int MPI_Start(MPI_Request* request) {
    delayed::start(*request);
    return PMPI_Start(request);
}
int MPI_Test(MPI_Request* request, int* done, MPI_Status* status) {
    const auto found = delayed::receives().find(*request);
    if (found != delayed::receives().end() && MPI_Wtime() < found->second.due) {
        const int code = PMPI_Request_get_status(*request, done, MPI_STATUS_IGNORE);  // moves it on
        *done = 0;
        return code;
    }
    return PMPI_Test(request, done, status);
}
int MPI_Wait(MPI_Request* request, MPI_Status* status) {
    int done = 0, code = MPI_SUCCESS;
    while (!done && code == MPI_SUCCESS) code = MPI_Test(request, &done, status);
    return code;
}
int MPI_Request_free(MPI_Request* request) {
    delayed::receives().erase(*request);
    return PMPI_Request_free(request);
}

}  // extern "C"
