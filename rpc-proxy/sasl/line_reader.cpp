// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/sasl/line_reader.hpp"

#include "rpc-proxy/sasl/limits.hpp"

namespace xb::proxy::sasl {

namespace {

constexpr std::string_view lineEnd = "\r\n";

} // namespace

std::optional<std::string_view> LineReader::next(std::string_view& bytes) {
    if (done_) {
        kept_.clear();
        done_ = false;
    }
    if (tooLong_)
        return std::nullopt;
    const std::string_view window = bytes.substr(0, maxLineBytes - kept_.size());
    // The CR may be among what was kept.
    const bool split = kept_.ends_with('\r') && window.starts_with('\n');
    const std::size_t found = window.find(lineEnd);
    if (!split && found == std::string_view::npos) {
        tooLong_ = kept_.size() + window.size() == maxLineBytes;
        kept_ += window;
        bytes.remove_prefix(window.size());
        return std::nullopt;
    }
    const std::size_t used = split ? 1 : found + lineEnd.size();
    if (kept_.empty()) {
        bytes.remove_prefix(used);
        return window.substr(0, found);
    }
    kept_ += window.substr(0, used);
    bytes.remove_prefix(used);
    done_ = true;
    return std::string_view(kept_).substr(0, kept_.size() - lineEnd.size());
}

} // namespace xb::proxy::sasl
