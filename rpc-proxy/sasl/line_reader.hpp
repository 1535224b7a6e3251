// SPDX-License-Identifier: Apache-2.0
// Lines that end in CR LF out of a stream that comes in pieces. It takes no byte behind the line it returns,
// and keeps no more than one line.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace xb::proxy::sasl {

class LineReader {
public:
    /// The next line without its end; it takes what it uses from the front of `bytes`. Nothing: all of
    /// `bytes` was taken and the line goes on, or tooLong(). Usable until the next call and while `bytes` is
    /// there.
    std::optional<std::string_view> next(std::string_view& bytes);
    bool tooLong() const { return tooLong_; }

private:
    std::string kept_;
    bool done_ = false; // kept_ is the line that was returned last
    bool tooLong_ = false;
};

} // namespace xb::proxy::sasl
