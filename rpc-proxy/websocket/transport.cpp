// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/websocket/transport.hpp"

namespace xb::proxy {

Transport::Error Transport::errorOf(const Transfer& transfer) {
    return transfer.state == Transfer::State::closed
               ? Error(asio::error::eof)
               : Error(transfer.error, boost::system::system_category());
}

void Transport::complete(Completion& which, Error error, std::size_t bytes) {
    if (const Completion done = std::exchange(which, nullptr))
        done(error, bytes);
}

void Transport::readable() {
    if (!reading_)
        return;
    if (!stream_)
        return complete(reading_, asio::error::operation_aborted, 0);
    if (readInto_.empty())
        return complete(reading_, {}, 0);
    const Transfer got = stream_->receive(readInto_);
    if (got.state == Transfer::State::blocked)
        return stream_->awaitReadable(*this);
    received_ += got.bytes;
    complete(reading_, got.ended() ? errorOf(got) : Error(), got.bytes);
}

void Transport::writable() {
    if (!writing_)
        return;
    if (!stream_)
        return complete(writing_, asio::error::operation_aborted, 0);
    if (writeFrom_.empty())
        return complete(writing_, {}, 0);
    const Transfer sent = stream_->send(writeFrom_);
    if (sent.state == Transfer::State::blocked)
        return stream_->awaitWritable(*this);
    complete(writing_, sent.ended() ? errorOf(sent) : Error(), sent.bytes);
}

void Transport::endAfter(std::chrono::milliseconds time) {
    expired_ = false;
    timer_.callAfter(time, [this] {
        expired_ = true;
        stop();
    });
}

void Transport::endSending() {
    if (stream_)
        stream_->endSending();
}

void Transport::stop() {
    timer_.cancel();
    stream_.reset();
    complete(reading_, asio::error::operation_aborted, 0);
    complete(writing_, asio::error::operation_aborted, 0);
}

} // namespace xb::proxy
