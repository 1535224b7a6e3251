// SPDX-License-Identifier: Apache-2.0
#include "strace.hpp"

#include "toolstack/libs/files.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include <cstdlib>

namespace xb::test {

namespace {

// Everything by which a program can change a directory, or make changes last.
constexpr const char* traced =
    "trace=openat,?open,?creat,?mkdir,mkdirat,?rmdir,write,pwrite64,writev,pwritev,ftruncate,?truncate,"
    "fallocate,copy_file_range,?sendfile,fsync,fdatasync,sync_file_range,?rename,?renameat,renameat2,?unlink,"
    "unlinkat,?link,linkat,?symlink,symlinkat,fchmod,?chmod,fchmodat";

std::vector<std::string> straceWords(const std::filesystem::path& into) {
    // A sanitizer cannot look for leaks in a process that is traced. -D: the program is our child, not
    // strace's.
    const char* const options = std::getenv("ASAN_OPTIONS");
    return {"/usr/bin/env",
            "ASAN_OPTIONS=" + std::string(options != nullptr ? options : "") + ":detect_leaks=0",
            "/usr/bin/strace",
            "-D",
            "-f",
            "-qq",
            "-y",
            "-s",
            "0",
            "-o",
            into.string(),
            "-e",
            traced};
}

} // namespace

std::string Point::describe() const {
    if (step != 0)
        return call + " " + path + ", step " + std::to_string(step);
    return call + " " + path + ", " + std::to_string(when) +
           (paths.size() > 1 ? ". with " + paths.back() : ".");
}

std::vector<std::string> tracing(const std::filesystem::path& into) {
    return straceWords(into);
}

std::vector<std::string> harming(const std::filesystem::path& into, const Point& point,
                                 const std::string& harm, bool onwards) {
    std::vector<std::string> words = straceWords(into);
    for (const std::string& path : point.paths) {
        words.emplace_back("-P");
        words.push_back(path);
    }
    words.emplace_back("-e");
    words.push_back("inject=" + point.call + ":" + harm + ":when=" + std::to_string(point.when) +
                    (onwards ? "+" : ""));
    return words;
}

std::vector<TracedCall> readTrace(const std::filesystem::path& trace, const std::filesystem::path& below,
                                  const std::filesystem::path& except) {
    std::vector<TracedCall> calls;
    std::map<std::string, std::size_t> unfinished; // by thread
    std::istringstream lines(readFile(trace));
    std::string line;
    while (std::getline(lines, line)) {
        // 123 write(5</dir/file>, ""..., 8) = 8
        // 123 rename("/dir/a", "/dir/b" <unfinished ...>
        // 123 <... rename resumed>) = -1 ENOENT (No such file or directory)
        const bool failed = line.find(" = -1 ") != std::string::npos;
        std::istringstream words(line);
        TracedCall call;
        words >> call.thread;
        std::getline(words >> std::ws, call.call, '(');
        if (const auto before = unfinished.extract(call.thread); !before.empty()) {
            calls[before.mapped()].failed = failed;
            continue;
        }
        const auto path = line.find(below.string());
        if (words.eof() || path == std::string::npos || call.call.find(' ') != std::string::npos)
            continue;
        call.path = line.substr(path, line.find_first_of("\">", path) - path);
        if (call.path == except || (call.path != below && !call.path.starts_with(below.string() + "/")))
            continue;
        call.changes = call.call != "openat" || line.find("O_CREAT") != std::string::npos;
        call.failed = failed;
        if (line.ends_with("<unfinished ...>"))
            unfinished[call.thread] = calls.size();
        calls.push_back(call);
    }
    return calls;
}

namespace {

/// Gives the call at `index` its number among those on the point's paths; false if another thread makes one
/// with that number before.
bool tell(const std::vector<TracedCall>& calls, std::size_t index, Point& point) {
    std::map<std::string, std::size_t> byThread;
    std::map<std::size_t, std::size_t> first; // by number: the first call that has it
    for (std::size_t i = 0; i <= index; ++i) {
        if (calls[i].call != point.call || std::ranges::find(point.paths, calls[i].path) == point.paths.end())
            continue;
        point.when = ++byThread[calls[i].thread];
        first.try_emplace(point.when, i);
    }
    return first[point.when] == index;
}

} // namespace

std::vector<Point> pointsOf(const std::vector<TracedCall>& calls) {
    std::set<std::string> all;
    for (const TracedCall& call : calls)
        all.insert(call.path);
    std::vector<Point> points;
    std::size_t steps = 0;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (!calls[i].changes)
            continue;
        Point point{calls[i].call, {calls[i].path}, 1, calls[i].path};
        bool told = tell(calls, i, point);
        for (auto other = all.begin(); !told && other != all.end(); ++other) {
            point.paths = {calls[i].path, *other};
            told = tell(calls, i, point);
        }
        steps += calls[i].call == "fchmod" ? 0U : 1U; // which disk_log.c does not know
        if (!told)
            point.step = steps;
        points.push_back(point);
    }
    return points;
}

bool reached(const Point& point, const std::vector<TracedCall>& calls) {
    std::map<std::string, std::size_t> byThread;
    for (const TracedCall& call : calls) {
        if (call.call == point.call && std::ranges::find(point.paths, call.path) != point.paths.end())
            ++byThread[call.thread];
    }
    return std::ranges::any_of(byThread, [&](const auto& each) { return each.second >= point.when; });
}

} // namespace xb::test
