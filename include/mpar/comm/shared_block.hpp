// SPDX-License-Identifier: MIT
// Memory that the ranks of one node map together. Knows POSIX's shared memory; nothing of layers.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/communicator.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

namespace mpar {

/// A block of zeros, one for all ranks of a communicator, aligned to a page.
///
/// In place of MPI's shared windows: its name is gone as soon as all have it mapped, so that a job that
/// ends in any way leaves nothing behind; its pages are there before it is used, or an error is
/// thrown; nobody waits for others when it is given back.
class shared_block {
public:
    shared_block() = default;
    /// requires: ranks of one node; the same size on all. collective.
    /// throws: error(device) on every rank when memory is not to be had; error(no_progress).
    shared_block(communicator& node, std::size_t bytes) {
        char name[64] = {};
        int file = -1;
        agree(node, [&] {
            if (node.rank() == 0) file = make(name, bytes);
        });
        broadcast(node, name, sizeof name, 0);
        try {
            agree(node, [&] {
                if (node.rank() != 0) file = shm_open(name, O_RDWR, 0);
                map(file, bytes);
            });
        } catch (...) {
            finish(node, name, file);
            release();
            throw;
        }
        finish(node, name, file);
    }
    shared_block(shared_block&& other) noexcept { *this = std::move(other); }
    shared_block& operator=(shared_block&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~shared_block() { release(); }

    void* data() const { return data_; }

private:
    static int make(char (&name)[64], std::size_t bytes) {
        static int count = 0;
        int file = -1;
        for (int attempt = 0; file < 0 && attempt < 100; ++attempt) {
            const std::string one =
                "/mpar." + std::to_string(getpid()) + "." + std::to_string(count++);
            one.copy(name, sizeof name - 1);
            name[one.size()] = '\0';
            file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
            if (file < 0 && errno != EEXIST) break;
        }
        const int code = file < 0 ? errno : posix_fallocate(file, 0, off_t(bytes));
        if (code == 0) return file;
        if (file >= 0) {
            close(file);
            shm_unlink(name);
        }
        throw error(fault::device, "mpar: " + std::to_string((bytes + (1 << 20) - 1) >> 20) +
                                       " MiB of memory shared by the ranks of a node are not to be "
                                       "had (" +
                                       std::strerror(code) + "); without teams none is needed");
    }

    void map(int file, std::size_t bytes) {
        void* p = file < 0 ? MAP_FAILED
                           : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                                  file, 0);
        if (p == MAP_FAILED) {
            throw error(
                fault::device,
                std::string("mpar: memory of another rank of this node cannot be mapped (") +
                    std::strerror(errno) + ")");
        }
        data_ = p;
        bytes_ = bytes;
    }

    static void finish(const communicator& node, const char* name, int file) {
        if (file >= 0) close(file);
        if (node.rank() == 0) shm_unlink(name);
    }
    void release() {
        if (data_) munmap(data_, bytes_);
        data_ = nullptr;
    }

    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace mpar
