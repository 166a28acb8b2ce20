// SPDX-License-Identifier: MIT
// Memory that the ranks of one node map together. Knows POSIX's shared memory; nothing of layers.
#pragma once

#include <mpar/comm/agree.hpp>
#include <mpar/comm/communicator.hpp>
#include <mpar/tensor/memory.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mpar {

/// A block of zeros, one for all ranks of a communicator, aligned to a page.
///
/// In place of MPI's shared windows: its name is gone as soon as all have it mapped, so that a job that
/// ends in any way leaves nothing behind; its pages are there before it is used, or an error is
/// thrown, and huge where the system can; nobody waits for others when it is given back.
class shared_block {
public:
    shared_block() = default;
    /// requires: ranks of one node; the same size on all. collective.
    /// throws: error(device) on every rank when memory is unavailable; error(no_progress).
    shared_block(communicator& node, std::size_t bytes) {
        char name[64] = {};
        int file = -1;
        bytes = host_memory::rounded(bytes);
        try {
            agree(node, [&] {
                if (node.rank() == 0) make(name, file, bytes);
            });
            broadcast(node, name, sizeof name, 0);
            identity there = identity_of(node.rank() == 0 ? file : -1);
            broadcast(node, &there, sizeof there, 0);
            agree(node, [&] {
                if (node.rank() == 0) return;
                file = open_as(name);
                require_same(file, there);
                map(file, bytes, MAP_POPULATE);
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
        std::swap(base_, other.base_);
        std::swap(data_, other.data_);
        std::swap(room_, other.room_);
        return *this;
    }
    ~shared_block() { release(); }

    void* data() const { return data_; }

    /// throws: error(device) when a block of so many bytes cannot be made here and now. Gives back what
    /// it has taken to find that out: nothing, where the system says how much it has.
    [[gnu::cold]] static void require_room(std::size_t bytes) {
        bytes = host_memory::rounded(bytes);
        char name[64] = {};
        int file = open_new(name), code = file < 0 ? errno : 0;
        if (file >= 0) {
            if (!has_room(file, bytes)) code = posix_fallocate(file, 0, off_t(bytes));
            finish_named(name, file);
        }
        if (code == 0) return;
#ifdef __linux__
        file = host_memory::available() < bytes ? -1 : memfd_create("mpar", MFD_CLOEXEC);
        if (file >= 0) {
            close(file);
            return;
        }
#endif
        refuse(bytes, code);
    }

private:
    static constexpr std::size_t huge = host_memory::huge;

    /// Tells which file is meant: a name or a number of a process may mean another where ranks of
    /// one node live in containers of their own.
    struct identity {
        unsigned long long device = 0, number = 0;
    };
    static identity identity_of(int file) {
        struct stat status {};
        if (file < 0 || ::fstat(file, &status) != 0) return {};
        return {static_cast<unsigned long long>(status.st_dev),
                static_cast<unsigned long long>(status.st_ino)};
    }
    /// throws: error(device) when an open file is not the one that is meant.
    static void require_same(int file, const identity& meant) {
        const identity is = identity_of(file);
        if (file < 0 || (is.device == meant.device && is.number == meant.number)) return;
        throw error(
            fault::device,
            "mpar: memory shared by the ranks of a node is unavailable (they do not see each "
            "other's files)");
    }

    /// The block's file, mapped, with all its pages: under /dev/shm, or where that is too small or
    /// closed, a file without a name that the others find among this process's own.
    [[gnu::cold]] void make(char (&name)[64], int& file, std::size_t bytes) {
        int code = make_named(name, file, bytes);
        if (code != 0) {
            if (file >= 0) finish_named(name, file);
            if (make_unnamed(name, file, bytes)) code = 0;
        }
        if (code == 0) return map(file, bytes, MAP_POPULATE);
        refuse(bytes, code);
    }
    [[noreturn, gnu::cold]] static void refuse(std::size_t bytes, int code) {
        throw error(fault::device, "mpar: " + std::to_string((bytes + (1 << 20) - 1) >> 20) +
                                       " MiB of memory shared by the ranks of a node are "
                                       "unavailable (" +
                                       std::strerror(code) + "); without teams none is needed");
    }

    /// A file under /dev/shm that nobody else has, and its name; -1, and errno says why.
    [[gnu::cold]] static int open_new(char (&name)[64]) {
        static std::atomic<int> count = 0;
        int file = -1;
        for (int attempt = 0; file < 0 && attempt < 100; ++attempt) {
            put_name(name, "/mpar." + std::to_string(getpid()) + "." + std::to_string(count++));
            file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
            if (file < 0 && errno != EEXIST) break;
        }
        return file;
    }

    /// Whether the system says that the file may have so many bytes.
    [[gnu::cold]] static bool has_room(int file, std::size_t bytes) {
        struct statvfs space {};
        return ::fstatvfs(file, &space) == 0 && space.f_blocks > 0 &&
               bytes / space.f_frsize < space.f_bavail;
    }

    /// returns: 0, or why there is none.
    [[gnu::cold]] int make_named(char (&name)[64], int& file, std::size_t bytes) {
        file = open_new(name);
        if (file < 0 || ftruncate(file, off_t(bytes)) != 0) return errno;
        ask_for_huge_pages(file, bytes);
        return posix_fallocate(file, 0, off_t(bytes));
    }

    /// A file of this kind has no limit but the machine's memory, beyond which the system ends
    /// processes: as much must be free. returns: whether there is one.
    [[gnu::cold]] bool make_unnamed([[maybe_unused]] char (&name)[64], [[maybe_unused]] int& file,
                                    [[maybe_unused]] std::size_t bytes) {
#ifdef __linux__
        if (host_memory::available() < bytes) return false;
        file = memfd_create("mpar", MFD_CLOEXEC);
        if (file < 0) return false;
        put_name(name, own_files + std::to_string(getpid()) + "/fd/" + std::to_string(file));
        if (ftruncate(file, off_t(bytes)) == 0) {
            ask_for_huge_pages(file, bytes);
            if (posix_fallocate(file, 0, off_t(bytes)) == 0) return true;
        }
        close(file);
        file = -1;
#endif
        return false;
    }
    static constexpr const char* own_files = "/proc/";

    static void put_name(char (&name)[64], const std::string& text) {
        name[text.copy(name, sizeof name - 1)] = '\0';
    }
    static bool is_unnamed(std::string_view name) { return name.starts_with(own_files); }
    static int open_as(const char* name) {
        return is_unnamed(name) ? ::open(name, O_RDWR | O_CLOEXEC) : shm_open(name, O_RDWR, 0);
    }
    static void finish_named(char (&name)[64], int& file) {
        close(file);
        shm_unlink(name);
        file = -1;
    }

    /// Asks for huge pages. From 6.1 on, Linux makes them of a file in memory whatever its settings
    /// are, if each has one small page before. Otherwise the file stays as it is.
    [[gnu::cold]] void ask_for_huge_pages(int file, std::size_t bytes) {
#ifdef __linux__
        constexpr int collapse = 25;  // MADV_COLLAPSE, which glibc 2.36 does not name
        struct statvfs space {};
        if (!host_memory::is_large(bytes) || ::fstatvfs(file, &space) != 0) return;
        if (space.f_blocks > 0 && bytes / space.f_frsize > space.f_bavail) return;
        for (std::size_t at = 0; at < bytes; at += huge) {
            if (posix_fallocate(file, off_t(at), 1) != 0) return;
        }
        map(file, bytes, 0);
        ::madvise(data_, bytes, collapse);
        release();
#endif
    }

    /// Maps the file at an address where huge pages may lie.
    [[gnu::cold]] void map(int file, std::size_t bytes, int flags) {
        room_ = host_memory::is_large(bytes) ? bytes + huge : bytes;
        void* p = file < 0 ? MAP_FAILED
                           : mmap(nullptr, room_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p != MAP_FAILED) {
            base_ = p;
            std::size_t left = room_;
            if (host_memory::is_large(bytes)) std::align(huge, bytes, p, left);
            p = mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | flags, file, 0);
        }
        if (p == MAP_FAILED) {
            throw error(
                fault::device,
                std::string("mpar: memory of another rank of this node cannot be mapped (") +
                    std::strerror(errno) + ")");
        }
        data_ = p;
    }

    [[gnu::cold]] static void finish(const communicator& node, const char* name, int file) {
        if (file >= 0) close(file);
        if (node.rank() == 0 && !is_unnamed(name)) shm_unlink(name);
    }
    [[gnu::cold]] void release() {
        if (base_) munmap(base_, room_);
        base_ = data_ = nullptr;
    }

    void *base_ = nullptr, *data_ = nullptr;
    std::size_t room_ = 0;  ///< from base_ on
};

}  // namespace mpar
