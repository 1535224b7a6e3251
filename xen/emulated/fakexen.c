// SPDX-License-Identifier: Apache-2.0
// A preloaded library that lets the real C xenstored (4.17) run on a machine without Xen. It stands in for
// the few calls that xenstored makes to the hypervisor: domains exist while the emulator's files say so,
// event channels are records in a fifo, and a domain's ring is a file that its guest maps too.
// shared_layout.h has the files.
//
// Nothing here may fail silently: a call that cannot be served returns the error that the real library would.
#define _GNU_SOURCE
#include "xen/emulated/shared_layout.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

enum { page_size = 4096, virq_port = 1, first_port = 2, max_ports = 4096, longest_path = 512 };

// A bound event channel: what the other side calls it, and the fifo that wakes the other side.
struct channel {
    int used;
    uint32_t domid;
    uint32_t port;
    int fifo;
};

static char handle[16]; // what stands for every library's handle
static int events = -1;
static struct channel channels[max_ports];

static void path_of(char* path, const char* format, ...) {
    const char* directory = getenv(XB_FAKEXEN_DIRECTORY);
    int n = snprintf(path, longest_path, "%s/", directory ? directory : "/run/xenbroker/emulator");
    if (n < 0 || n >= longest_path) {
        path[0] = 0;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + n, (size_t)(longest_path - n), format, arguments);
    va_end(arguments);
}

// ---- domains

xc_interface* xc_interface_open(xentoollog_logger* logger, xentoollog_logger* dombuild, unsigned flags) {
    (void)logger, (void)dombuild, (void)flags;
    return (void*)handle;
}

int xc_interface_close(xc_interface* xch) {
    (void)xch;
    return 0;
}

// xenstored asks for one domain at a time.
int xc_domain_getinfo(xc_interface* xch, uint32_t first, unsigned int max, xc_dominfo_t* info) {
    (void)xch;
    char state = 'r';
    if (max == 0) {
        errno = EINVAL;
        return -1;
    }
    if (first != 0) {
        char path[longest_path];
        path_of(path, "domains/%u/state", first);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, &state, 1) != 1) {
            if (fd >= 0)
                close(fd);
            errno = ESRCH;
            return -1;
        }
        close(fd);
    }
    memset(info, 0, sizeof *info);
    info->domid = first;
    info->dying = state == 'd';
    info->shutdown = state == 's' || state == 'c';
    info->crashed = state == 'c';
    return 1;
}

// ---- event channels

static xenevtchn_handle* open_events(void) {
    char path[longest_path];
    path_of(path, "events");
    events = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return events < 0 ? NULL : (void*)handle;
}

xenevtchn_handle* xenevtchn_open(xentoollog_logger* logger, unsigned int flags) {
    (void)logger, (void)flags;
    return open_events();
}

xenevtchn_handle* xenevtchn_fdopen(xentoollog_logger* logger, int fd, unsigned int flags) {
    (void)logger, (void)fd, (void)flags;
    return open_events();
}

int xenevtchn_close(xenevtchn_handle* xce) {
    (void)xce;
    return 0;
}

int xenevtchn_fd(xenevtchn_handle* xce) {
    (void)xce;
    return events;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle* xce, unsigned int virq) {
    (void)xce, (void)virq;
    return virq_port;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle* xce, uint32_t domid,
                                                     evtchn_port_t remote) {
    (void)xce;
    for (int port = first_port; port < max_ports; ++port) {
        struct channel* channel = &channels[port];
        if (channel->used)
            continue;
        channel->fifo = -1;
        if (domid != 0) {
            char path[longest_path];
            path_of(path, "domains/%u/event", domid);
            channel->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
            if (channel->fifo < 0)
                return -1;
        }
        channel->used = 1;
        channel->domid = domid;
        channel->port = remote;
        return port;
    }
    errno = ENOSPC;
    return -1;
}

static struct channel* channel_of(evtchn_port_t port) {
    return port < max_ports && channels[port].used ? &channels[port] : NULL;
}

int xenevtchn_unbind(xenevtchn_handle* xce, evtchn_port_t port) {
    (void)xce;
    struct channel* channel = channel_of(port);
    if (!channel) {
        errno = EINVAL;
        return -1;
    }
    if (channel->fifo >= 0)
        close(channel->fifo);
    channel->used = 0;
    return 0;
}

int xenevtchn_notify(xenevtchn_handle* xce, evtchn_port_t port) {
    (void)xce;
    struct channel* channel = channel_of(port);
    // A full fifo means that an event is pending already; domain 0 has no kernel to wake.
    if (channel && channel->fifo >= 0 && write(channel->fifo, "", 1) != 1 && errno != EAGAIN)
        return -1;
    return 0;
}

int xenevtchn_unmask(xenevtchn_handle* xce, evtchn_port_t port) {
    (void)xce, (void)port;
    return 0;
}

// Which local port has an event. One of a channel that is gone already is told as a port that nobody listens
// to.
xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle* xce) {
    (void)xce;
    struct shared_event event;
    if (read(events, &event, sizeof event) != sizeof event)
        return -1;
    if (event.domid == XB_EVENT_VIRQ)
        return virq_port;
    for (int port = first_port; port < max_ports; ++port)
        if (channels[port].used && channels[port].domid == event.domid && channels[port].port == event.port)
            return port;
    return max_ports;
}

// ---- grants

xengnttab_handle* xengnttab_open(xentoollog_logger* logger, unsigned flags) {
    (void)logger, (void)flags;
    return (void*)handle;
}

int xengnttab_close(xengnttab_handle* xgt) {
    (void)xgt;
    return 0;
}

int xengnttab_set_max_grants(xengnttab_handle* xgt, uint32_t count) {
    (void)xgt, (void)count;
    return 0;
}

void* xengnttab_map_grant_ref(xengnttab_handle* xgt, uint32_t domid, uint32_t ref, int prot) {
    (void)xgt, (void)ref;
    char path[longest_path];
    path_of(path, "domains/%u/store", domid);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void* page = mmap(NULL, page_size, prot, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

int xengnttab_unmap(xengnttab_handle* xgt, void* start, uint32_t count) {
    (void)xgt;
    return munmap(start, (size_t)count * page_size);
}

// ---- domain 0's own ring: what the kernel's xenbus driver offers under /proc/xen

static int memory_file(const char* name, const char* text, off_t size) {
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t length = strlen(text);
    if (write(fd, text, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0 ||
        (size > 0 && ftruncate(fd, size) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

int open(const char* path, int flags, ...) {
    static int (*real)(const char*, int, ...);
    mode_t mode = 0;
    if (!real)
        *(void**)&real = dlsym(RTLD_NEXT, "open");
    if (!strcmp(path, "/proc/xen/xsd_port") || !strcmp(path, "/dev/xen/xsd_port"))
        return memory_file("xsd_port", "1", 0);
    if (!strcmp(path, "/proc/xen/xsd_kva") || !strcmp(path, "/dev/xen/xsd_kva"))
        return memory_file("xsd_kva", "", page_size);
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return real(path, flags, mode);
}
