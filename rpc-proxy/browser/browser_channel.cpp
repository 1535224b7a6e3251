// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/browser/browser_channel.hpp"

#include "rpc-proxy/browser/auto_auth_stream.hpp"
#include "rpc-proxy/browser/conversation.hpp"
#include "rpc-proxy/browser/nul_texts.hpp"
#include "rpc-proxy/browser/websocket_texts.hpp"

namespace xb::proxy {

namespace {

class BrowserStream final : public Stream {
public:
    explicit BrowserStream(std::shared_ptr<Conversation> conversation)
        : conversation_(std::move(conversation)) {}
    ~BrowserStream() override { conversation_->leave(); }
    BrowserStream(const BrowserStream&) = delete;
    BrowserStream& operator=(const BrowserStream&) = delete;

    Transfer receive(std::span<char> into) override { return conversation_->receive(into); }
    Transfer send(std::span<const char> bytes) override { return conversation_->send(bytes); }
    void awaitReadable(StreamUser& user) override { conversation_->awaitReadable(user); }
    void awaitWritable(StreamUser& user) override { conversation_->awaitWritable(user); }

private:
    std::shared_ptr<Conversation> conversation_;
};

} // namespace

BrowserChannel::BrowserChannel(const Executor& executor, BrowserOptions options, AskTypes ask)
    : context_(std::make_shared<BrowserContext>(executor, std::move(options), std::move(ask))) {}

BrowserChannel::~BrowserChannel() {
    for (const auto& each : conversations_) {
        if (const auto conversation = each.lock())
            conversation->stop();
    }
}

Task<> BrowserChannel::allGone() {
    context_->noneLeft.clear();
    if (context_->conversations > 0)
        co_await context_->noneLeft.wait();
}

Arrival BrowserChannel::take(Arrival browser) {
    std::erase_if(conversations_, [](const auto& each) { return each.expired(); });
    browser.advice = std::make_shared<Advice>();
    const BrowserOptions& options = context_->options;
    std::unique_ptr<TextConnection> texts;
    if (options.webSockets)
        texts =
            std::make_unique<WebSocketTexts>(context_->executor, std::move(browser.stream), options.socket);
    else
        texts = std::make_unique<NulTexts>(context_->executor, std::move(browser.stream),
                                           options.authenticates, options.socket.messageBytes);
    const auto conversation =
        std::make_shared<Conversation>(context_, std::move(texts), browser.peer, browser.advice);
    conversations_.push_back(conversation);
    conversation->start();
    browser.stream = std::make_unique<BrowserStream>(conversation);
    if (!options.authenticates)
        browser.stream = std::make_unique<AutoAuthStream>(std::move(browser.stream));
    return browser;
}

} // namespace xb::proxy
