// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/domain_stream.hpp"

#include "toolstack/libs/error.hpp"

#include <utility>

namespace xb::proxy {

struct DomainStream::Shared : std::enable_shared_from_this<Shared> {
    /// One direction.
    struct Side {
        Task<> (xen::VchanStream::*change)();
        void (StreamUser::*what)();
        StreamUser* user = nullptr; ///< who waits
        bool told = false;          ///< it is about to be
        bool inVain = false;        ///< the last attempt, and nothing has happened since
        bool waiting = false;       ///< a coroutine does
    };

    Shared(const Executor& on, std::unique_ptr<xen::VchanStream> stream)
        : executor(on), vchan(std::move(stream)) {}

    void await(Side& side, StreamUser& user) {
        side.user = &user;
        if (!side.inVain)
            return tell(side);
        if (!std::exchange(side.waiting, true))
            spawn(executor, "waiting for a domain", wait(shared_from_this(), side));
    }

    static Task<> wait(std::shared_ptr<Shared> self, Side& side) {
        co_await ((*self->vchan).*side.change)();
        side.waiting = false;
        for (Side* each : {&self->reading, &self->writing}) {
            each->inVain = false;
            self->tell(*each);
        }
    }

    void tell(Side& side) {
        if (!side.user || std::exchange(side.told, true))
            return;
        asio::post(executor, [self = shared_from_this(), &side] {
            side.told = false;
            if (StreamUser* const user = std::exchange(side.user, nullptr))
                (user->*side.what)();
        });
    }

    Executor executor;
    std::unique_ptr<xen::VchanStream> vchan;
    Side reading{&xen::VchanStream::readable, &StreamUser::readable};
    Side writing{&xen::VchanStream::writable, &StreamUser::writable};
};

DomainStream::DomainStream(const Executor& executor, std::unique_ptr<xen::VchanStream> vchan)
    : shared_(std::make_shared<Shared>(executor, std::move(vchan))) {}

DomainStream::~DomainStream() {
    shared_->reading.user = nullptr;
    shared_->writing.user = nullptr;
    shared_->vchan->close(); // which ends the waits
}

Transfer DomainStream::receive(std::span<char> into) {
    const auto size = shared_->vchan->tryRead(into);
    shared_->reading.inVain = !size;
    if (!size)
        return {Transfer::State::blocked, 0, 0};
    return {*size == 0 ? Transfer::State::closed : Transfer::State::moved, *size, 0};
}

Transfer DomainStream::send(std::span<const char> bytes) {
    try {
        const std::size_t size = shared_->vchan->tryWrite(bytes);
        shared_->writing.inVain = size == 0;
        return {size == 0 ? Transfer::State::blocked : Transfer::State::moved, size, 0};
    } catch (const Error&) { // it has no other one than that nobody is there
        return {Transfer::State::closed, 0, 0};
    }
}

void DomainStream::awaitReadable(StreamUser& user) {
    shared_->await(shared_->reading, user);
}

void DomainStream::awaitWritable(StreamUser& user) {
    shared_->await(shared_->writing, user);
}

} // namespace xb::proxy
