// SPDX-License-Identifier: Apache-2.0
// strace(1) as the one who kills a program, or fails its calls, at a chosen call on its files. It counts
// calls by thread; so a point is the n-th of a call on a path, by the thread that is first to come there. The
// few calls that another thread makes first under every such count are harmed by disk_log.c, which counts
// all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace xb::test {

/// A call on something at or below a directory, as a trace has it.
struct TracedCall {
    std::string thread;
    std::string call;
    std::string path;
    bool changes = true; ///< false: it only opens what is there
    bool failed = false;

    bool operator==(const TracedCall&) const = default;
};

/// Before which call something happens.
struct Point {
    std::string call;
    std::vector<std::string> paths; ///< calls on these are counted
    std::size_t when = 1;           ///< the first is 1
    std::string path;               ///< of the call that is hit
    std::size_t step = 0;           ///< not 0: strace cannot count to it, disk_log.c can
    std::string describe() const;
};

/// The words that trace a program's calls into a file.
std::vector<std::string> tracing(const std::filesystem::path& into);
/// The same, harming it at a point: `harm` is strace's "signal=SIGKILL" or "error=ENOSPC". `onwards`: at all
/// calls from the point on.
std::vector<std::string> harming(const std::filesystem::path& into, const Point& point,
                                 const std::string& harm, bool onwards = false);

/// The calls on `below` and what is below it, `except` excepted.
std::vector<TracedCall> readTrace(const std::filesystem::path& trace, const std::filesystem::path& below,
                                  const std::filesystem::path& except);
/// A point for every changing call.
std::vector<Point> pointsOf(const std::vector<TracedCall>& calls);
/// Whether a trace of harming() came to its point.
bool reached(const Point& point, const std::vector<TracedCall>& calls);

} // namespace xb::test
