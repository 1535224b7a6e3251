// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/out_queue.hpp"

namespace xb::proxy {

void OutQueue::lend(std::span<const char> bytes) {
    if (!lent_.empty() && lent_.data() + lent_.size() == bytes.data()) {
        lent_ = {lent_.data(), lent_.size() + bytes.size()};
        return;
    }
    keep();
    lent_ = bytes;
}

void OutQueue::keep() {
    kept_.append(lent_.data(), lent_.size());
    lent_ = {};
}

std::string& OutQueue::owned() {
    keep();
    return kept_;
}

Transfer OutQueue::flush(Stream& stream) {
    Transfer last{Transfer::State::moved, 0, 0};
    if (sent_ != kept_.size())
        keep(); // one attempt for all of it
    while (!empty()) {
        const std::span<const char> next =
            lent_.empty() ? std::span<const char>(kept_).subspan(sent_) : lent_;
        last = stream.send(next);
        if (last.state != Transfer::State::moved)
            break;
        if (lent_.empty())
            sent_ += last.bytes;
        else
            lent_ = lent_.subspan(last.bytes);
    }
    if (sent_ == kept_.size()) {
        std::string().swap(kept_); // most connections are idle most of the time
        sent_ = 0;
    } else if (sent_ > kept_.size() / 2) {
        kept_.erase(0, sent_);
        sent_ = 0;
    }
    keep();
    return last;
}

} // namespace xb::proxy
