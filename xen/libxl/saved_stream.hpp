// SPDX-License-Identifier: Apache-2.0
// The streams that libxl writes saved domains to and reads them from, made safe for our process: libxl (4.17)
// ends by a segmentation fault when a stream fails before its libxl-save-helper has started, which is within
// the first streamStart bytes. Those are tried before libxl gets to them. What cannot be tried without taking
// it (pipes, sockets) is relayed by a thread, whose pipe to libxl holds that long.
// Everything here is used on one of libxl's threads, and may block as libxl does.
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace xb::xen {

/// Bytes that libxl itself writes and reads before the helper takes over: the header of the stream and that
/// of the helper's record (docs/specs/libxl-migration-stream.pandoc in Xen).
inline constexpr std::size_t streamStart = 24;

/// "" if these are the first streamStart bytes of a stream that libxl can read; otherwise what is wrong.
std::string whyNotStream(std::string_view start);

/// Copies a stream to another on a thread of its own, until the source ends or one of both fails.
class StreamRelay {
public:
    /// `own` is one of both, which is closed at the end. `keepReading`: bytes that are taken from the source
    /// even when the target has failed.
    StreamRelay(int source, int target, UniqueFd own, std::size_t keepReading);
    StreamRelay(const StreamRelay&) = delete;
    StreamRelay& operator=(const StreamRelay&) = delete;
    /// Ends it where it is.
    ~StreamRelay();
    /// Waits for the end. 0, or the errno of the target.
    int wait();

private:
    void run();
    void copy();
    bool ready(int descriptor, short events) const;
    bool write(std::string_view data);

    int source_;
    int target_;
    UniqueFd own_;
    std::size_t keepReading_;
    UniqueFd stop_;
    int failure_ = 0;
    std::thread thread_;
};

/// Where libxl saves a domain to.
class SaveStream {
public:
    /// `stream` stays the caller's. Throws if it cannot be written.
    explicit SaveStream(int stream);
    SaveStream(const SaveStream&) = delete;
    SaveStream& operator=(const SaveStream&) = delete;
    ~SaveStream() = default;

    /// For libxl.
    int get() const { return pipeIn_ ? pipeIn_.get() : stream_; }
    /// After libxl is done with it: waits until all has been written, and throws if it could not be.
    void finish();

private:
    int stream_;
    UniqueFd pipeIn_;
    std::unique_ptr<StreamRelay> relay_;
};

/// Where libxl restores a domain from.
class RestoreStream {
public:
    /// `stream` stays the caller's. Throws if it does not begin as a stream of libxl does.
    explicit RestoreStream(int stream);
    RestoreStream(const RestoreStream&) = delete;
    RestoreStream& operator=(const RestoreStream&) = delete;
    ~RestoreStream();

    /// For libxl.
    int get() const { return pipeOut_ ? pipeOut_.get() : stream_; }

private:
    int stream_;
    UniqueFd pipeOut_;
    std::unique_ptr<StreamRelay> relay_;
};

} // namespace xb::xen
