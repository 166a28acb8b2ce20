// SPDX-License-Identifier: MIT
// Counts MPI calls by communicator: this header defines MPI's functions over their PMPI twins, so
// that one file of a program includes it.
#pragma once

#include <mpi.h>

#include <map>
#include <string>

namespace calls {

/// Since the start of the process, or since forget().
struct tally {
    long dups = 0, frees = 0;                     ///< of communicators, by their owner's handle
    std::map<MPI_Comm, long> on;                  ///< calls that talk to other ranks
    std::map<MPI_Comm, long> bytes, messages;     ///< MPI_Isend's
    std::map<MPI_Comm, long> received, receives;  ///< MPI_Irecv's
    std::map<MPI_Comm, MPI_Comm> dup_of;          ///< duplicate -> original
    long handlers = 0;  ///< MPI_Comm_set_errhandler on communicators not ours
};

inline tally& all() {
    static tally one;
    return one;
}
inline void forget() { all() = {}; }

inline int talk(MPI_Comm comm, int code) {
    ++all().on[comm];
    return code;
}

}  // namespace calls

extern "C" {

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm* made) {
    const int code = PMPI_Comm_dup(comm, made);
    ++calls::all().dups;
    calls::all().dup_of[*made] = comm;
    return calls::talk(comm, code);
}
int MPI_Comm_idup(MPI_Comm comm, MPI_Comm* made, MPI_Request* request) {
    const int code = PMPI_Comm_idup(comm, made, request);
    ++calls::all().dups;
    calls::all().dup_of[*made] = comm;
    return calls::talk(comm, code);
}
int MPI_Comm_free(MPI_Comm* comm) {
    ++calls::all().frees;
    return PMPI_Comm_free(comm);
}
int MPI_Comm_set_errhandler(MPI_Comm comm, MPI_Errhandler handler) {
    if (!calls::all().dup_of.count(comm)) ++calls::all().handlers;
    return PMPI_Comm_set_errhandler(comm, handler);
}
int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
    int size = 0;
    PMPI_Type_size(type, &size);
    calls::all().bytes[comm] += long(count) * size;
    ++calls::all().messages[comm];
    return calls::talk(comm, PMPI_Isend(data, count, type, to, tag, comm, request));
}
int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request* request) {
    int size = 0;
    PMPI_Type_size(type, &size);
    calls::all().received[comm] += long(count) * size;
    ++calls::all().receives[comm];
    return calls::talk(comm, PMPI_Irecv(data, count, type, from, tag, comm, request));
}
int MPI_Send(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
    return calls::talk(comm, PMPI_Send(data, count, type, to, tag, comm));
}
int MPI_Recv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
             MPI_Status* status) {
    return calls::talk(comm, PMPI_Recv(data, count, type, from, tag, comm, status));
}
int MPI_Barrier(MPI_Comm comm) { return calls::talk(comm, PMPI_Barrier(comm)); }
int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request) {
    return calls::talk(comm, PMPI_Ibarrier(comm, request));
}
int MPI_Bcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
    return calls::talk(comm, PMPI_Bcast(data, count, type, root, comm));
}
int MPI_Ibcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request* request) {
    return calls::talk(comm, PMPI_Ibcast(data, count, type, root, comm, request));
}
int MPI_Allreduce(const void* from, void* to, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm) {
    return calls::talk(comm, PMPI_Allreduce(from, to, count, type, op, comm));
}
int MPI_Iallreduce(const void* from, void* to, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request* request) {
    return calls::talk(comm, PMPI_Iallreduce(from, to, count, type, op, comm, request));
}
int MPI_Allgather(const void* from, int n, MPI_Datatype type, void* to, int m, MPI_Datatype other,
                  MPI_Comm comm) {
    return calls::talk(comm, PMPI_Allgather(from, n, type, to, m, other, comm));
}
int MPI_Iallgather(const void* from, int n, MPI_Datatype type, void* to, int m, MPI_Datatype other,
                   MPI_Comm comm, MPI_Request* request) {
    return calls::talk(comm, PMPI_Iallgather(from, n, type, to, m, other, comm, request));
}
int MPI_Alltoall(const void* from, int n, MPI_Datatype type, void* to, int m, MPI_Datatype other,
                 MPI_Comm comm) {
    return calls::talk(comm, PMPI_Alltoall(from, n, type, to, m, other, comm));
}
int MPI_Comm_split(MPI_Comm comm, int colour, int key, MPI_Comm* made) {
    return calls::talk(comm, PMPI_Comm_split(comm, colour, key, made));
}
int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm* made) {
    return calls::talk(comm, PMPI_Comm_split_type(comm, type, key, info, made));
}

}  // extern "C"
