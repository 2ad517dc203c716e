/* Calls that write below STANDSTILL_BELOW wait while the file STANDSTILL_GATE is there, as they do for a disk that stands still. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void gate(int fd) {
    const char *file = getenv("STANDSTILL_GATE"), *below = getenv("STANDSTILL_BELOW");
    char name[64], path[1024];
    struct stat there;
    if (!file || !below) return;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (strncmp(path, below, strlen(below)) != 0) return;
    while (stat(file, &there) == 0) usleep(5000);
}

#define NEXT(result, name, ...) ((result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

ssize_t write(int fd, const void *bytes, size_t size) {
    gate(fd);
    return NEXT(ssize_t, "write", int, const void *, size_t)(fd, bytes, size);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    gate(fd);
    return NEXT(ssize_t, "writev", int, const struct iovec *, int)(fd, parts, count);
}
int fdatasync(int fd) {
    gate(fd);
    return NEXT(int, "fdatasync", int)(fd);
}
int fsync(int fd) {
    gate(fd);
    return NEXT(int, "fsync", int)(fd);
}
