/* SPDX-License-Identifier: Apache-2.0
 *
 * The log that disk_log.c keeps of what a program does to a directory: a sequence of records, each a header,
 * a path, a second path and data. Paths are absolute. Read by tests/faults/dbd/power_cut.cpp. */
#pragma once

#include <stdint.h>

#define XB_DISK_LOG "XENBROKER_TEST_DISK_LOG"              /* the log file; appended to */
#define XB_DISK_DIRECTORY "XENBROKER_TEST_DISK_DIRECTORY"  /* what is watched, an absolute path */
#define XB_DISK_EXCEPT "XENBROKER_TEST_DISK_EXCEPT"        /* a path that is left alone; may be absent */
#define XB_DISK_IGNORES "XENBROKER_TEST_DISK_IGNORES_SYNC" /* "1": a disk that lies: a sync does nothing */
/* "N E": the Nth step fails with errno E, or kills the program before it if E is 0; "N E +": so do all after
 * it */
#define XB_DISK_HARM "XENBROKER_TEST_DISK_HARM"

enum xb_disk_kind {
    XB_DISK_CREATE = 1,     /* path is a new file, from now on called `file` */
    XB_DISK_WRITE = 2,      /* data at the end of `file` */
    XB_DISK_RENAME = 3,     /* path becomes second */
    XB_DISK_UNLINK = 4,     /* path */
    XB_DISK_MAKE = 5,       /* path is a new directory */
    XB_DISK_SYNC_BEGIN = 6, /* `file`, or the directory path if `file` is 0; `sync` numbers it */
    XB_DISK_SYNC_END = 7,   /* `sync` succeeded: what was there when it began is on the disk */
    XB_DISK_UNKNOWN = 8,    /* something that this log cannot express; path says what */
    XB_DISK_OPEN = 9,       /* path, which is there already, is from now on called `file` */
    XB_DISK_HARMED = 10, /* a step was not done: path is what it was on, if that is known, second the call */
};

struct xb_disk_record {
    uint32_t kind;
    uint32_t path_bytes;
    uint32_t second_bytes;
    uint32_t data_bytes;
    uint64_t file; /* unique over all processes that wrote this log */
    uint64_t sync; /* the same */
    uint64_t time; /* CLOCK_MONOTONIC, nanoseconds */
};
