// SPDX-License-Identifier: Apache-2.0
// Hostile: what a client says before its messages, what a bus answers, and how both are cut into reads. The
// outcome does not depend on the cuts; nobody gets through without an OK and BEGIN; answers are lines, and
// not without end. The first byte chooses the options and the cuts.
#include "rpc-proxy/sasl/client.hpp"
#include "rpc-proxy/sasl/limits.hpp"
#include "rpc-proxy/sasl/server.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

namespace xb::fuzz {

namespace {

using namespace xb::proxy::sasl;

constexpr std::string_view guid = "0123456789abcdef0123456789abcdef";

struct Outcome {
    int state = 0;
    std::string replies;
    std::string rest;
    std::string claim;
    bool unixFds = false;
    bool operator==(const Outcome&) const = default;
};

template <typename F>
void inPieces(std::string_view bytes, std::size_t size, F&& take) {
    while (!bytes.empty()) {
        const std::vector<char> piece(
            bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(size, bytes.size())));
        bytes.remove_prefix(piece.size());
        take({piece.data(), piece.size()});
    }
}

Outcome served(const ServerOptions& options, std::string_view bytes, std::size_t size) {
    Server server(options);
    Outcome outcome;
    inPieces(bytes, size,
             [&](std::string_view piece) { outcome.rest += server.feed(piece, outcome.replies); });
    outcome.state = static_cast<int>(server.state());
    outcome.claim = server.claim();
    outcome.unixFds = server.unixFds();
    expect(server.done() == (server.failure().empty() && server.state() != Server::State::talking),
           "a failure has a reason");
    return outcome;
}

Outcome answered(bool wantUnixFds, std::string_view bytes, std::size_t size) {
    Client client(wantUnixFds);
    Outcome outcome;
    inPieces(bytes, size, [&](std::string_view piece) { outcome.rest += client.feed(piece); });
    outcome.state = static_cast<int>(client.state());
    outcome.replies = client.failure();
    outcome.claim = client.guid();
    outcome.unixFds = client.unixFds();
    return outcome;
}

void run(std::string_view input) {
    if (input.empty())
        return;
    const auto chosen = static_cast<unsigned char>(input[0]);
    input.remove_prefix(1);
    const std::size_t piece = 1 + (chosen >> 3);
    const ServerOptions options{std::string(guid), (chosen & 1) == 0, (chosen & 2) == 0, (chosen & 4) != 0};

    const Outcome whole = served(options, input, std::max<std::size_t>(input.size(), 1));
    expect(served(options, input, 1) == whole && served(options, input, piece) == whole,
           "the cuts do not matter");
    expect(input.ends_with(whole.rest), "the rest is not touched");
    expect(whole.replies.size() <= (maxLines + 1) * 64, "answers end some time");
    expect(whole.replies.empty() || whole.replies.ends_with("\r\n"), "answers are lines");
    expect(whole.claim.size() <= maxLineBytes, "a claim is in one line");
    if (whole.state == static_cast<int>(Server::State::done)) {
        const std::string_view dialogue = input.substr(0, input.size() - whole.rest.size());
        expect(whole.replies.find("OK " + std::string(guid)) != std::string::npos,
               "nobody gets through without OK");
        expect(dialogue.find("BEGIN") != std::string_view::npos && dialogue.starts_with('\0') &&
                   dialogue.ends_with("\r\n"),
               "nobody gets through without BEGIN");
        expect(options.external || options.anonymous, "nobody gets through where nothing is offered");
        expect(!whole.unixFds || options.unixFds, "descriptors only where they are passed");
    } else if (whole.state == static_cast<int>(Server::State::talking)) {
        expect(whole.rest.empty(), "everything is part of the dialogue");
    }

    const bool fds = (chosen & 4) != 0;
    const Outcome bus = answered(fds, input, std::max<std::size_t>(input.size(), 1));
    expect(answered(fds, input, 1) == bus && answered(fds, input, piece) == bus,
           "the cuts do not matter to the client");
    expect(input.ends_with(bus.rest), "the client leaves the rest");
    expect(bus.state != static_cast<int>(Client::State::done) || bus.claim.size() == guid.size(),
           "a bus has an identity");
}

const Target target("proxy_sasl", run);

} // namespace

} // namespace xb::fuzz
