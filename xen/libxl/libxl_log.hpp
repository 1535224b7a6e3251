// SPDX-License-Identifier: Apache-2.0
// What libxl and its libraries say. libxl's functions return only a number; the reason is in lines for a
// logger. This one passes them on to our log and keeps the last complaints of the running operation for the
// error that we throw. Each libxl context has one, used by one thread at a time.
#pragma once

#include "xen/libxl/libxl_headers.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace xb::xen {

class LibxlLog {
public:
    /// How many lines, and how much of each, an error quotes: the first ones, which tell the cause, and the
    /// last.
    static constexpr std::size_t keptLines = 4;
    static constexpr std::size_t keptCharacters = 300;

    LibxlLog();
    LibxlLog(const LibxlLog&) = delete;
    LibxlLog& operator=(const LibxlLog&) = delete;

    xentoollog_logger* logger() { return &hook_.base; }
    /// Forgets the lines: a new operation begins.
    void clear() { lines_.clear(); }
    /// The kept lines without libxl's file names, "a; b; c"; empty when there are none.
    std::string complaints() const;
    /// One message, as libxl gives it; errnoValue is -1 for none.
    void message(xentoollog_level level, int errnoValue, const char* context, const std::string& text);

private:
    // libxl's C interface: the logger comes first, so that a pointer to it is one to this.
    struct Hook {
        xentoollog_logger base;
        LibxlLog* owner;
    };
    static void onMessage(xentoollog_logger* logger, xentoollog_level level, int errnoValue,
                          const char* context, const char* format, va_list arguments)
        __attribute__((format(printf, 5, 0)));
    static void onDestroy(xentoollog_logger*) {} // the LibxlLog owns itself

    Hook hook_;
    std::vector<std::string> lines_;
};

} // namespace xb::xen
