// SPDX-License-Identifier: Apache-2.0
// One browser, or another client that speaks JSON: its texts become the D-Bus messages of a client, and
// messages for the client become texts. Nothing is allowed or denied here: that is the session's, which
// cannot tell a browser from another client. What is no message is answered here, since a session never sees
// it.
//
// Two coroutines, one reading and one writing, and whoever holds the stream share it.
#pragma once

#include "rpc-proxy/browser/browser_options.hpp"
#include "rpc-proxy/browser/text_connection.hpp"
#include "rpc-proxy/channels/listener.hpp"
#include "rpc-proxy/json/to_dbus.hpp"
#include "rpc-proxy/relay/deadlines.hpp"
#include "rpc-proxy/relay/log_limit.hpp"
#include "rpc-proxy/wire/framer.hpp"

#include <deque>
#include <memory>
#include <string>

namespace xb::proxy {

/// What all browsers of one instance have in common.
struct BrowserContext {
    BrowserContext(const Executor& on, BrowserOptions given, AskTypes asking)
        : executor(on), options(std::move(given)), ask(std::move(asking)), idle(on, options.idle),
          farewells(on, options.socket.farewell), noneLeft(on) {}

    Executor executor;
    BrowserOptions options;
    AskTypes ask;
    Deadlines idle;
    Deadlines farewells;
    LogLimit logLimit;
    std::size_t conversations = 0; ///< that are not over
    Event noneLeft;                ///< set when the last of them is over
};

class Conversation final : public std::enable_shared_from_this<Conversation> {
public:
    Conversation(std::shared_ptr<BrowserContext> context, std::unique_ptr<TextConnection> texts,
                 std::string peer, std::shared_ptr<Advice> advice);
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    void start();
    /// As Stream has them.
    Transfer receive(std::span<char> into);
    Transfer send(std::span<const char> bytes);
    void awaitReadable(StreamUser& user);
    void awaitWritable(StreamUser& user);
    /// Nobody holds the stream any more: the browser gets what waits for it, and is told that this ends.
    void leave();
    /// Ends it at once.
    void stop();

private:
    using Ptr = std::shared_ptr<Conversation>;
    /// A user that waits for one thing.
    struct Waiting {
        StreamUser* user = nullptr;
        bool told = false; // it is about to be
    };

    static Task<> reading(Ptr self);
    static Task<> writing(Ptr self);
    static Task<> pinging(Ptr self);
    bool takeLine(const std::string& text);
    Task<> take(std::string text);
    Task<std::shared_ptr<const json::MethodSignatures>> typesFor(const json::Inbound& inbound);
    void refuse(const json::Refusal& refusal);
    void queue(std::string text);
    void over();
    void watch();
    void look();
    void warn(std::string_view what);
    bool mayTake() const { return over_ || (in_.size() < limit() && outBytes_ < limit()); }
    void tell(Waiting& waiting, void (StreamUser::*what)());
    void takeOrNot();
    std::size_t limit() const { return context_->options.queueBytes; }

    std::shared_ptr<BrowserContext> context_;
    std::string peer_;
    std::shared_ptr<Advice> advice_;
    std::unique_ptr<TextConnection> texts_;
    wire::Framer framer_;
    bool linesIn_; // these two: the client authenticates, in lines
    bool linesOut_;
    std::string in_;              // D-Bus messages
    std::deque<std::string> out_; // texts
    std::size_t outBytes_ = 0;    // of them, and of the one that is being written
    Event room_;                  // set: mayTake()
    Event wake_;                  // the writer has something to do
    Waiting readable_;
    Waiting writable_;
    std::uint32_t serial_ = 0; // of the answers that are made here
    Deadlines::Deadline deadline_;
    std::uint64_t heard_ = 0;
    std::uint64_t sent_ = 0;    // grows with each text
    std::uint64_t stuckAt_ = 0; // of sent_, at the last look
    bool open_ = false;         // the handshake is done
    bool left_ = false;         // nobody holds the stream
    bool over_ = false;         // nothing comes or goes any more
    bool hearing_ = false;      // what the browser says now is read
    bool writing_ = false;
    bool stuck_ = false; // at the last look
    bool asked_ = false; // whether it is there
    bool pinging_ = false;
};

} // namespace xb::proxy
