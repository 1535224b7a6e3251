// SPDX-License-Identifier: Apache-2.0
// A preloaded library that writes down, in order, all that a program does to the files below one directory,
// and when it has them synced: enough to make, later, what a disk would hold after a power cut at any moment
// (disk_log.h has the format). A call and its record are one step for other threads, except for a sync: it
// has a record before and one after. A change that cannot be written down ends the program.
#define _GNU_SOURCE
#include "tests/support/disk_log.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { max_descriptors = 4096, longest_path = 4096 };

// What a descriptor is open on: a file that changes, or a directory.
struct opened {
    uint64_t file;
    char* directory;
};

static pthread_mutex_t step = PTHREAD_MUTEX_INITIALIZER;
static struct opened table[max_descriptors];
static const char* watched;
static const char* except;
static size_t watched_bytes;
static int log_fd = -1;
static int ignores_sync;
static uint32_t numbers; // of files and syncs of this process
static unsigned long steps;
static unsigned long harm_at; // 0: never
static int harm_errno;
static int harms_on;

static int (*real_open)(const char*, int, ...);
static int (*real_openat)(int, const char*, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void*, size_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char*, const char*);
static int (*real_unlink)(const char*);
static int (*real_mkdir)(const char*, mode_t);
static int (*real_ftruncate)(int, off_t);
static ssize_t (*real_pwrite)(int, const void*, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec*, int);

static void die(const char* what) {
    dprintf(STDERR_FILENO, "disk_log: %s: %s\n", what, strerror(errno));
    abort();
}

static void* find(const char* name) {
    void* function = dlsym(RTLD_NEXT, name);
    if (!function)
        die(name);
    return function;
}

// Not a constructor: a sanitizer's may call us before ours would run.
static void initialize(void) {
    real_open = find("open");
    real_openat = find("openat");
    real_close = find("close");
    real_write = find("write");
    real_fsync = find("fsync");
    real_fdatasync = find("fdatasync");
    real_rename = find("rename");
    real_unlink = find("unlink");
    real_mkdir = find("mkdir");
    real_ftruncate = find("ftruncate");
    real_pwrite = find("pwrite");
    real_writev = find("writev");
    const char* ignores = getenv(XB_DISK_IGNORES);
    ignores_sync = ignores && strcmp(ignores, "1") == 0;
    const char* harm = getenv(XB_DISK_HARM);
    char on = 0;
    if (harm && sscanf(harm, "%lu %d %c", &harm_at, &harm_errno, &on) < 2)
        die(XB_DISK_HARM);
    harms_on = on == '+';
    const char* path = getenv(XB_DISK_LOG);
    watched = getenv(XB_DISK_DIRECTORY);
    except = getenv(XB_DISK_EXCEPT);
    if (!path || !watched)
        return;
    watched_bytes = strlen(watched);
    log_fd = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        die(path);
}

static void ready(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize);
}

static int is_watched(const char* path) {
    if (except && strcmp(path, except) == 0)
        return 0;
    return log_fd >= 0 && strncmp(path, watched, watched_bytes) == 0 &&
           (path[watched_bytes] == 0 || path[watched_bytes] == '/');
}

static struct opened* entry(int fd) {
    return fd >= 0 && fd < max_descriptors ? &table[fd] : NULL;
}

static uint64_t next_number(void) {
    return (uint64_t)(uint32_t)getpid() << 32 | ++numbers;
}

// One record, by one call, so that it is whole unless the program is killed in the very middle.
static void record(uint32_t kind, const char* path, const char* second, const void* data, size_t bytes,
                   uint64_t file, uint64_t sync) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct xb_disk_record head = {
        .kind = kind,
        .path_bytes = path ? (uint32_t)strlen(path) : 0,
        .second_bytes = second ? (uint32_t)strlen(second) : 0,
        .data_bytes = (uint32_t)bytes,
        .file = file,
        .sync = sync,
        .time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
    };
    const struct iovec parts[4] = {{&head, sizeof head},
                                   {(void*)path, head.path_bytes},
                                   {(void*)second, head.second_bytes},
                                   {(void*)data, bytes}};
    size_t all = sizeof head + head.path_bytes + head.second_bytes + bytes;
    if (real_writev(log_fd, parts, 4) != (ssize_t)all)
        die("cannot write the log");
}

// To be called with `step` locked, before anything that changes the disk or syncs it. True: it must fail,
// errno says how.
static int is_harmed(const char* call, const char* path) {
    ++steps;
    if (harm_at == 0 || steps < harm_at || (steps > harm_at && !harms_on))
        return 0;
    record(XB_DISK_HARMED, path, call, NULL, 0, 0, 0);
    if (harm_errno == 0)
        raise(SIGKILL);
    errno = harm_errno;
    return 1;
}

static void opened(int fd, const char* path, int flags, int is_new) {
    struct opened* it = entry(fd);
    struct stat there;
    if (!it || fstat(fd, &there) != 0)
        die(path);
    if (flags & O_TRUNC)
        record(XB_DISK_UNKNOWN, "O_TRUNC", NULL, NULL, 0, 0, 0);
    if (S_ISDIR(there.st_mode)) {
        it->directory = strdup(path);
    } else {
        it->file = next_number();
        record(is_new ? XB_DISK_CREATE : XB_DISK_OPEN, path, NULL, NULL, 0, it->file, 0);
    }
}

static int do_open(int directory, const char* path, int flags, mode_t mode) {
    ready();
    if (!is_watched(path))
        return real_openat(directory, path, flags, mode);
    pthread_mutex_lock(&step);
    struct stat there;
    int is_new = (flags & O_CREAT) && stat(path, &there) != 0;
    int fd = is_new && is_harmed("openat", path) ? -1 : real_openat(directory, path, flags, mode);
    if (fd >= 0)
        opened(fd, path, flags, is_new);
    pthread_mutex_unlock(&step);
    return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return do_open(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return do_open(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return do_open(directory, path, flags, mode);
}

int openat64(int directory, const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return do_open(directory, path, flags, mode);
}

int close(int fd) {
    ready();
    struct opened* it = entry(fd);
    if (!it || (!it->file && !it->directory))
        return real_close(fd);
    pthread_mutex_lock(&step);
    free(it->directory);
    memset(it, 0, sizeof *it);
    int result = real_close(fd);
    pthread_mutex_unlock(&step);
    return result;
}

ssize_t write(int fd, const void* data, size_t bytes) {
    ready();
    struct opened* it = entry(fd);
    if (!it || !it->file)
        return real_write(fd, data, bytes);
    pthread_mutex_lock(&step);
    ssize_t written = is_harmed("write", NULL) ? -1 : real_write(fd, data, bytes);
    if (written > 0)
        record(XB_DISK_WRITE, NULL, NULL, data, (size_t)written, it->file, 0);
    pthread_mutex_unlock(&step);
    return written;
}

// What the log cannot express: told, so that nobody takes the log for the whole truth.
static void unknown(int fd, const char* what) {
    struct opened* it = entry(fd);
    if (it && it->file)
        record(XB_DISK_UNKNOWN, what, NULL, NULL, 0, it->file, 0);
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t at) {
    ready();
    unknown(fd, "pwrite");
    return real_pwrite(fd, data, bytes, at);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
    ready();
    unknown(fd, "writev");
    return real_writev(fd, parts, count);
}

int ftruncate(int fd, off_t bytes) {
    ready();
    unknown(fd, "ftruncate");
    return real_ftruncate(fd, bytes);
}

static int synced(int fd, int (*sync_it)(int)) {
    struct opened* it = entry(fd);
    if (!it || (!it->file && !it->directory))
        return sync_it(fd);
    if (ignores_sync)
        return 0;
    pthread_mutex_lock(&step);
    if (is_harmed("fsync", it->directory)) {
        pthread_mutex_unlock(&step);
        return -1;
    }
    uint64_t sync = next_number();
    record(XB_DISK_SYNC_BEGIN, it->directory, NULL, NULL, 0, it->file, sync);
    pthread_mutex_unlock(&step);
    int result = sync_it(fd);
    if (result == 0)
        record(XB_DISK_SYNC_END, NULL, NULL, NULL, 0, 0, sync);
    return result;
}

int fsync(int fd) {
    ready();
    return synced(fd, real_fsync);
}

int fdatasync(int fd) {
    ready();
    return synced(fd, real_fdatasync);
}

int rename(const char* from, const char* to) {
    ready();
    if (!is_watched(from) && !is_watched(to))
        return real_rename(from, to);
    pthread_mutex_lock(&step);
    int result = is_harmed("rename", from) ? -1 : real_rename(from, to);
    if (result == 0)
        record(XB_DISK_RENAME, from, to, NULL, 0, 0, 0);
    pthread_mutex_unlock(&step);
    return result;
}

int unlink(const char* path) {
    ready();
    if (!is_watched(path))
        return real_unlink(path);
    pthread_mutex_lock(&step);
    int result = is_harmed("unlink", path) ? -1 : real_unlink(path);
    if (result == 0)
        record(XB_DISK_UNLINK, path, NULL, NULL, 0, 0, 0);
    pthread_mutex_unlock(&step);
    return result;
}

int mkdir(const char* path, mode_t mode) {
    ready();
    if (!is_watched(path))
        return real_mkdir(path, mode);
    pthread_mutex_lock(&step);
    int result = is_harmed("mkdir", path) ? -1 : real_mkdir(path, mode);
    if (result == 0)
        record(XB_DISK_MAKE, path, NULL, NULL, 0, 0, 0);
    pthread_mutex_unlock(&step);
    return result;
}
