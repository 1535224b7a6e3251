// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/browser/conversation.hpp"

#include "rpc-proxy/json/from_dbus.hpp"
#include "rpc-proxy/sasl/text.hpp"
#include "rpc-proxy/wire/message_view.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace xb::proxy {

namespace {
// Looked at in one turn, so that a burst grows the queue beyond its limit by little.
constexpr std::size_t chunkBytes = std::size_t{64} << 10;
// In place of the id of what has none.
constexpr std::uint32_t noId = 0;
} // namespace

Conversation::Conversation(std::shared_ptr<BrowserContext> context, std::unique_ptr<TextConnection> texts,
                           std::string peer, std::shared_ptr<Advice> advice)
    : context_(std::move(context)), peer_(std::move(peer)), advice_(std::move(advice)),
      texts_(std::move(texts)), framer_({wire::maxMessageBytes}), linesIn_(context_->options.authenticates),
      linesOut_(linesIn_), room_(context_->executor), wake_(context_->executor) {
    room_.set();
}

void Conversation::start() {
    ++context_->conversations;
    spawn(context_->executor, "listening to a browser", reading(shared_from_this()));
}

Task<> Conversation::reading(Ptr self) {
    try {
        co_await self->texts_->accept();
        self->open_ = true;
        if (self->left_)
            self->stop();
        self->watch();
        spawn(self->context_->executor, "telling a browser", writing(self));
        while (!self->over_) {
            co_await self->room_.wait();
            self->hearing_ = true;
            std::optional<std::string> text = co_await self->texts_->read();
            self->hearing_ = false;
            if (!text)
                break;
            if (!self->takeLine(*text))
                co_await self->take(std::move(*text));
        }
    } catch (const Error& e) {
        if (!self->left_)
            self->warn(e.what());
    }
    self->over();
}

Task<> Conversation::writing(Ptr self) {
    try {
        while (!self->over_) {
            co_await self->wake_.wait();
            self->wake_.clear();
            while (!self->over_ && !self->out_.empty()) {
                std::string text = std::move(self->out_.front());
                self->out_.pop_front();
                const std::size_t size = text.size();
                self->writing_ = true;
                co_await self->texts_->write(std::move(text));
                self->writing_ = false;
                self->outBytes_ -= size;
                self->sent_ += size + 1;
                if (self->outBytes_ < self->limit())
                    self->tell(self->writable_, &StreamUser::writable);
                self->takeOrNot();
            }
            if (self->left_ && !self->over_) {
                co_await self->texts_->close();
                break;
            }
        }
    } catch (const Error& e) {
        log::debug("browser {}: {}", self->peer_, e.what()); // the reader says it
    }
    self->over();
}

Task<> Conversation::pinging(Ptr self) {
    try {
        co_await self->texts_->ask();
    } catch (const Error& e) {
        log::debug("browser {}: {}", self->peer_, e.what());
    }
    self->pinging_ = false;
}

/// True: it belongs to the authentication, which is the session's.
bool Conversation::takeLine(const std::string& text) {
    if (!linesIn_)
        return false;
    linesIn_ = !text.ends_with('\n') || sasl::splitWord(text.substr(0, text.find('\r'))).first != "BEGIN";
    in_ += text;
    tell(readable_, &StreamUser::readable);
    takeOrNot();
    return true;
}

Task<> Conversation::take(std::string text) {
    auto read = json::readMessage(text, {context_->options.socket.messageBytes, json::maxDepth});
    if (const auto* const refusal = std::get_if<json::Refusal>(&read)) {
        refuse(*refusal);
        co_return;
    }
    const json::Inbound& inbound = std::get<json::Inbound>(read);
    const auto types = co_await typesFor(inbound);
    std::optional<std::string_view> known;
    if (inbound.needsSignature() && inbound.header.interface) {
        known = json::standardSignature(*inbound.header.interface, *inbound.header.member);
        if (!known && types)
            known = types->find(*inbound.header.interface, *inbound.header.member);
    }
    const auto message = json::toMessage(inbound, known, {context_->options.messageBytes});
    if (const auto* const refusal = std::get_if<json::Refusal>(&message)) {
        refuse(*refusal);
        co_return;
    }
    in_ += std::get<std::string>(message);
    tell(readable_, &StreamUser::readable);
    takeOrNot();
}

// The question goes out with the rights of this program: only for a call that the client may make.
Task<std::shared_ptr<const json::MethodSignatures>> Conversation::typesFor(const json::Inbound& inbound) {
    const wire::Header& call = inbound.header;
    if (!context_->ask || !inbound.needsSignature() || !call.interface ||
        json::standardSignature(*call.interface, *call.member) || !advice_->passes || !advice_->passes(call))
        co_return nullptr;
    std::string destination(*call.destination);
    std::string path(*call.path);
    co_return co_await context_->ask(std::move(destination), std::move(path));
}

void Conversation::refuse(const json::Refusal& refusal) {
    warn(refusal.text);
    std::string text;
    json::appendError(text, ++serial_, refusal.id.value_or(noId), refusal.errorName, refusal.text);
    queue(std::move(text));
}

void Conversation::queue(std::string text) {
    outBytes_ += text.size();
    out_.push_back(std::move(text));
    takeOrNot();
    wake_.set();
}

void Conversation::takeOrNot() {
    if (mayTake())
        room_.set();
    else
        room_.clear();
}

Transfer Conversation::receive(std::span<char> into) {
    if (in_.empty())
        return {over_ ? Transfer::State::closed : Transfer::State::blocked, 0, 0};
    const std::size_t size = std::min(into.size(), in_.size());
    std::memcpy(into.data(), in_.data(), size);
    in_.erase(0, size);
    if (in_.empty())
        std::string().swap(in_); // most browsers are idle most of the time
    takeOrNot();
    return {Transfer::State::moved, size, 0};
}

Transfer Conversation::send(std::span<const char> bytes) {
    if (over_)
        return {Transfer::State::closed, 0, 0};
    if (outBytes_ >= limit())
        return {Transfer::State::blocked, 0, 0};
    if (linesOut_ && !bytes.empty() && (bytes[0] == 'l' || bytes[0] == 'B')) // no line begins like a message
        linesOut_ = false;
    if (linesOut_) {
        const auto end = std::find(bytes.begin(), bytes.end(), '\n');
        if (end == bytes.end())
            return {Transfer::State::failed, 0, EBADMSG}; // a session says whole lines
        queue(std::string(bytes.begin(), end + 1));
        return {Transfer::State::moved, static_cast<std::size_t>(end + 1 - bytes.begin()), 0};
    }
    std::string chunk(bytes.data(), std::min(bytes.size(), chunkBytes));
    framer_.feed(chunk);
    while (const auto message = framer_.next()) {
        wire::MessageView view;
        std::string text;
        if (wire::read(wire::asText(*message), {wire::maxMessageBytes}, view)) // the session has read it
            return {Transfer::State::failed, 0, EBADMSG};
        if (json::appendMessage(text, view))
            queue(std::move(text));
    }
    if (framer_.flaw())
        return {Transfer::State::failed, 0, EBADMSG};
    return {Transfer::State::moved, chunk.size(), 0};
}

void Conversation::tell(Waiting& waiting, void (StreamUser::*what)()) {
    if (!waiting.user || std::exchange(waiting.told, true))
        return;
    asio::post(context_->executor, [self = weak_from_this(), &waiting, what] {
        const Ptr there = self.lock();
        if (!there || there->left_)
            return;
        waiting.told = false;
        StreamUser* const user = std::exchange(waiting.user, nullptr);
        if (user)
            (user->*what)();
    });
}

void Conversation::awaitReadable(StreamUser& user) {
    readable_.user = &user;
    if (over_ || !in_.empty())
        tell(readable_, &StreamUser::readable);
}

void Conversation::awaitWritable(StreamUser& user) {
    writable_.user = &user;
    if (over_ || outBytes_ < limit())
        tell(writable_, &StreamUser::writable);
}

void Conversation::leave() {
    left_ = true;
    if (!open_)
        return stop();
    if (over_)
        return;
    context_->farewells.begin(deadline_, [weak = weak_from_this()] {
        if (const Ptr self = weak.lock())
            self->stop();
    });
    wake_.set();
}

void Conversation::stop() {
    deadline_.cancel();
    texts_->stop();
}

void Conversation::over() {
    if (std::exchange(over_, true))
        return;
    stop();
    wake_.set();
    takeOrNot();
    tell(readable_, &StreamUser::readable);
    tell(writable_, &StreamUser::writable);
    if (--context_->conversations == 0)
        context_->noneLeft.set();
}

void Conversation::watch() {
    if (over_ || left_ || context_->options.idle.count() == 0)
        return;
    context_->idle.begin(deadline_, [weak = weak_from_this()] {
        if (const Ptr self = weak.lock())
            self->look();
    });
}

// What is not read, since something waits for the relay, is no silence.
void Conversation::look() {
    const bool silent =
        texts_->canAsk() && hearing_ && texts_->received() == std::exchange(heard_, texts_->received());
    const bool stuck = writing_ && sent_ == std::exchange(stuckAt_, sent_);
    if ((silent && asked_) || (stuck && stuck_)) {
        const auto time = context_->options.idle.count();
        warn(stuck ? fmt::format(
                         "it does not read: {} bytes wait for it (limit {}), and none was taken in {} ms",
                         outBytes_, limit(), time)
                   : fmt::format("it does not answer: it was asked whether it is there {} ms ago", time));
        return stop();
    }
    stuck_ = stuck;
    asked_ = silent;
    if (silent && !std::exchange(pinging_, true))
        spawn(context_->executor, "asking a browser", pinging(shared_from_this()));
    watch();
}

void Conversation::warn(std::string_view what) {
    const auto leftOut = context_->logLimit.take();
    if (!leftOut)
        return;
    if (*leftOut > 0)
        log::warn("browsers: {} lines about them were left out", *leftOut);
    log::warn("browser {}: {}", peer_, what);
}

} // namespace xb::proxy
