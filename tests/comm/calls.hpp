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
    std::map<MPI_Comm, long> bytes, messages;     ///< sent
    std::map<MPI_Comm, long> received, receives;
    std::map<MPI_Comm, MPI_Comm> dup_of;          ///< duplicate or part -> original
    long splits = 0;                              ///< that made a communicator
    long handlers = 0;  ///< MPI_Comm_set_errhandler on communicators not ours
};

inline tally& all() {
    static tally one;
    return one;
}
inline void forget() { all() = {}; }
/// Of what one communicator has moved.
inline void forget_counts(MPI_Comm comm) {
    tally& t = all();
    for (auto* counts : {&t.bytes, &t.messages, &t.received, &t.receives}) counts->erase(comm);
}

/// A persistent request: what each MPI_Start of it moves.
struct declared {
    MPI_Comm comm = MPI_COMM_NULL;
    long bytes = 0;
    bool sends = false;
};
inline std::map<MPI_Request, declared>& requests() {
    static std::map<MPI_Request, declared> all;
    return all;
}

inline void moved(MPI_Comm comm, long bytes, bool sends) {
    (sends ? all().bytes : all().received)[comm] += bytes;
    ++(sends ? all().messages : all().receives)[comm];
}

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
    calls::moved(comm, long(count) * size, true);
    return calls::talk(comm, PMPI_Isend(data, count, type, to, tag, comm, request));
}
int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request* request) {
    int size = 0;
    PMPI_Type_size(type, &size);
    calls::moved(comm, long(count) * size, false);
    return calls::talk(comm, PMPI_Irecv(data, count, type, from, tag, comm, request));
}
int MPI_Send_init(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
                  MPI_Request* request) {
    int size = 0;
    PMPI_Type_size(type, &size);
    const int code = PMPI_Send_init(data, count, type, to, tag, comm, request);
    calls::requests()[*request] = {comm, long(count) * size, true};
    return code;
}
int MPI_Recv_init(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
                  MPI_Request* request) {
    int size = 0;
    PMPI_Type_size(type, &size);
    const int code = PMPI_Recv_init(data, count, type, from, tag, comm, request);
    calls::requests()[*request] = {comm, long(count) * size, false};
    return code;
}
int MPI_Start(MPI_Request* request) {
    const auto& d = calls::requests().at(*request);
    calls::moved(d.comm, d.bytes, d.sends);
    return calls::talk(d.comm, PMPI_Start(request));
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
    const int code = PMPI_Comm_split(comm, colour, key, made);
    calls::all().splits += *made != MPI_COMM_NULL;
    calls::all().dup_of[*made] = comm;
    return calls::talk(comm, code);
}
int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm* made) {
    const int code = PMPI_Comm_split_type(comm, type, key, info, made);
    calls::all().splits += *made != MPI_COMM_NULL;
    calls::all().dup_of[*made] = comm;
    return calls::talk(comm, code);
}

}  // extern "C"
