// SPDX-License-Identifier: MIT
// rusage COMMAND...: runs it and prints "<user seconds> <peak MB>", the figures of its largest process. Linux, macOS.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

int main(int, char** argv) {
    const pid_t child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        std::perror(argv[1]);
        _exit(127);
    }
    int status = 0;
    rusage used{};
    wait4(child, &status, 0, &used);
    const double seconds = double(used.ru_utime.tv_sec) + 1e-6 * double(used.ru_utime.tv_usec);
#if defined(__APPLE__)
    const double megabytes = double(used.ru_maxrss) / 1e6;
#else
    const double megabytes = double(used.ru_maxrss) * 1024 / 1e6;
#endif
    std::printf("%.2f %.0f\n", seconds, megabytes);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
