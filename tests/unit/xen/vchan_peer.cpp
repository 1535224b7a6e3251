// SPDX-License-Identifier: Apache-2.0
// xen-vchan-peer: the domain's side of the vchan tests. Connects to a port of domain 0 and does what it is
// told there, so that one test program drives domains of both hypervisors. Ends when that connection does.
//
// A command is a line "ID VERB ARGUMENT..."; each gets one line "ID RESULT", when it is done:
//   connect PORT MS           opens a connection: "ok K", K its number; or "failed TEXT"
//   send K BYTES, receive K BYTES   the pattern of vchan_pattern.hpp; "ok", or what went wrong
//   end K                     reads to the end of the stream: "ok" and how many bytes came
//   close K
//   ask PORT                  asks for a ring and does not open it: "ok PATH"
//   garbage PORT              writes garbage on the listener ring: "ok" once that is closed
//   hold PORT                 opens the listener ring, asks nothing: "ok" once that is closed
//   open PATH MS              opens the ring at PATH: "ok" or "no"
//   map GRANT PORT            on Xen: maps domain 0's page GRANT and binds its event channel PORT:
//                             "grant taken|refused, event channel taken|refused"
//   die                       SIGKILL
#include "tests/unit/xen/vchan_pattern.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/loop.hpp"
#include "xen/emulated/emulated_rings.hpp"
#include "xen/vchan.hpp"
#include "xen/vchan/messages.hpp"
#include "xen/vchan_xen/libxenvchan_headers.hpp"
#include "xen/vchan_xen/xen_rings.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <map>
#include <sstream>
#include <sys/mman.h>

namespace xb::xen::test {
namespace {

constexpr std::chrono::seconds ringLimit{30};

bool canMap(std::uint32_t grant, int protection) {
    xengnttab_handle* grants = xengnttab_open(nullptr, 0);
    if (!grants)
        throw Error("cannot open /dev/xen/gntdev");
    void* page = xengnttab_map_grant_ref(grants, vchan::controlDomain, grant, protection);
    if (page)
        xengnttab_unmap(grants, page, 1);
    xengnttab_close(grants);
    return page != nullptr;
}

bool canBind(std::uint32_t port) {
    xenevtchn_handle* events = xenevtchn_open(nullptr, 0);
    if (!events)
        throw Error("cannot open /dev/xen/evtchn");
    const bool bound = xenevtchn_bind_interdomain(events, vchan::controlDomain, port) >= 0;
    xenevtchn_close(events);
    return bound;
}

std::string map(std::uint32_t grant, std::uint32_t port) {
    const bool mapped = canMap(grant, PROT_READ) || canMap(grant, PROT_READ | PROT_WRITE);
    return fmt::format("grant {}, event channel {}", mapped ? "taken" : "refused",
                       canBind(port) ? "taken" : "refused");
}

class Peer : public std::enable_shared_from_this<Peer> {
public:
    Peer(Loop& loop, VchanOptions options)
        : loop_(loop), connector_(openVchanConnector(loop.executor(), options)),
          rings_(options.kind == "emulated"
                     ? vchan::makeEmulatedRings(loop.executor(), options.emulatorDirectory, options.ownDomid)
                     : vchan::makeXenRings(loop.executor(),
                                           std::make_shared<XenStoreClient>(loop.executor(), ""))) {}

    static Task<> run(std::shared_ptr<Peer> self, unsigned port, std::chrono::milliseconds limit);

private:
    using Self = std::shared_ptr<Peer>;
    static Task<> serve(Self self, std::string line);
    static Task<std::string> perform(Self self, std::string verb, std::istringstream words);
    static Task<vchan::RingPtr> listenerRing(Self self, unsigned port);
    static Task<std::string> untilClosed(vchan::RingPtr ring);
    static Task<std::string> ask(Self self, unsigned port);

    Loop& loop_;
    std::unique_ptr<VchanConnector> connector_;
    std::shared_ptr<vchan::Rings> rings_;
    std::unique_ptr<VchanStream> control_;
    std::map<int, std::shared_ptr<VchanStream>> streams_;
    AsyncMutex answering_{loop_.executor()};
    int next_ = 1;
};

Task<> Peer::run(Self self, unsigned port, std::chrono::milliseconds limit) {
    self->control_ = co_await self->connector_->connect(vchan::controlDomain, port, limit);
    fmt::print("xen-vchan-peer: connected\n");
    std::fflush(stdout);
    std::array<char, 1024> buffer;
    std::string received;
    while (const std::size_t size = co_await self->control_->readSome(buffer)) {
        received.append(buffer.data(), size);
        for (std::size_t end = 0; (end = received.find('\n')) != std::string::npos;) {
            spawn(self->loop_.executor(), "command", serve(self, received.substr(0, end)));
            received.erase(0, end + 1);
        }
    }
    self->loop_.stop(0);
}

Task<> Peer::serve(Self self, std::string line) {
    std::istringstream words(line);
    std::string id;
    std::string verb;
    words >> id >> verb;
    std::string result;
    try {
        result = co_await perform(self, verb, std::move(words));
    } catch (const Error& e) {
        result = fmt::format("failed {} {}", e.name(), e.what());
    } catch (const std::exception& e) {
        result = fmt::format("failed {}", e.what());
    }
    const std::string answer = id + " " + result + "\n";
    const auto lock = co_await self->answering_.lock();
    std::span<const char> left(answer);
    while (!left.empty()) {
        const auto size = co_await self->control_->writeSome(left);
        left = left.subspan(size);
    }
}

Task<std::string> Peer::perform(Self self, std::string verb, std::istringstream words) {
    std::string first;
    std::size_t second = 0;
    words >> first >> second;
    const auto number = static_cast<unsigned>(std::strtoul(first.c_str(), nullptr, 10));
    if (verb == "connect") {
        const std::chrono::milliseconds limit(second);
        auto stream = co_await self->connector_->connect(vchan::controlDomain, number, limit);
        const int name = self->next_++;
        self->streams_[name] = std::move(stream);
        co_return fmt::format("ok {}", name);
    }
    if (verb == "ask")
        co_return co_await ask(self, number);
    if (verb == "garbage" || verb == "hold") {
        const auto ring = co_await listenerRing(self, number);
        const std::string garbage(200, '#');
        if (verb == "garbage" && ring->write(garbage) != garbage.size())
            throw Error("garbage was not taken");
        co_return co_await untilClosed(ring);
    }
    if (verb == "open") {
        const std::chrono::milliseconds limit(second);
        const auto ring = co_await self->rings_->open(vchan::controlDomain, first, limit);
        if (ring)
            ring->close();
        co_return std::string(ring ? "ok" : "no");
    }
    if (verb == "map")
        co_return map(number, static_cast<std::uint32_t>(second));
    if (verb == "die")
        ::raise(SIGKILL);
    const auto stream = self->streams_.at(static_cast<int>(number));
    if (verb == "send") {
        co_await sendPattern(*stream, second);
    } else if (verb == "receive") {
        co_await receivePattern(*stream, second);
    } else if (verb == "end") {
        const auto size = co_await readToEnd(*stream);
        co_return fmt::format("ok {}", size);
    } else if (verb == "close") {
        stream->close();
        self->streams_.erase(static_cast<int>(number));
    } else {
        throw Error("no such verb: " + verb);
    }
    co_return std::string("ok");
}

Task<vchan::RingPtr> Peer::listenerRing(Self self, unsigned port) {
    const auto own = co_await self->rings_->ownDomid();
    const std::string path = vchan::listenPath(vchan::controlDomain, own, port);
    auto ring = co_await self->rings_->open(vchan::controlDomain, path, ringLimit);
    if (!ring)
        throw Error("no listener ring");
    co_return ring;
}

Task<std::string> Peer::untilClosed(vchan::RingPtr ring) {
    std::array<char, 64> buffer;
    while (ring->read(buffer) > 0 || ring->state() != vchan::RingState::closed) {
        if (!co_await ring->readableWithin(ringLimit))
            throw Error("the listener ring stays open");
    }
    ring->close();
    co_return std::string("ok");
}

Task<std::string> Peer::ask(Self self, unsigned port) {
    const auto ring = co_await listenerRing(self, port);
    vchan::Request request;
    request.nonce = {'1', '2', '3', '4', '5', '6', '7', '8'};
    ring->write(vchan::toBytes(request));
    std::string received;
    std::array<char, 64> buffer;
    vchan::Answer answer;
    std::size_t used = 0;
    while (vchan::parseAnswer(received, answer, used) == vchan::Parsed::incomplete) {
        const auto size = ring->read(buffer);
        received.append(buffer.data(), size);
        if (size == 0 && !co_await ring->readableWithin(ringLimit))
            throw Error("no answer");
    }
    ring->close();
    if (answer.status != vchan::Status::ring || answer.nonce != request.nonce)
        throw Error("no ring: " + answer.text);
    co_return "ok " + answer.text;
}

} // namespace

int peerMain(int argc, char** argv) {
    VchanOptions options;
    unsigned port = 0;
    unsigned seconds = 60;
    CLI::App app("The domain's side of the vchan tests");
    app.add_option("--hypervisor", options.kind);
    app.add_option("--emulator-directory", options.emulatorDirectory);
    app.add_option("--domid", options.ownDomid, "with --hypervisor emulated");
    app.add_option("--port", port)->required();
    app.add_option("--limit", seconds, "for the first connection");
    CLI11_PARSE(app, argc, argv);
    log::init("xen-vchan-peer", log::Sink::standardError);
    Loop loop;
    auto run = [](Loop& where, VchanOptions how, unsigned number, std::chrono::seconds limit) -> Task<> {
        try {
            const auto peer = std::make_shared<Peer>(where, how);
            co_await Peer::run(peer, number, limit);
        } catch (const std::exception& e) {
            fmt::print("xen-vchan-peer: {}\n", e.what());
            where.stop(1);
        }
    };
    loop.spawn("peer", run(loop, options, port, std::chrono::seconds(seconds)));
    return loop.run();
}

} // namespace xb::xen::test

int main(int argc, char** argv) {
    return xb::xen::test::peerMain(argc, argv);
}
