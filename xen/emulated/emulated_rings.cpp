// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulated_rings.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/timer.hpp"
#include "xen/emulated/emulated_ring.hpp"
#include "xen/vchan/messages.hpp"

#include <fmt/format.h>

#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

namespace xb::xen::vchan {

namespace {

HubSocket connectHub(const Executor& executor, const std::string& path, const std::string& what) {
    HubSocket socket(executor);
    boost::system::error_code error;
    try {
        const asio::local::stream_protocol::endpoint endpoint(path);
        socket.connect(endpoint, error);
    } catch (const boost::system::system_error& e) { // the path is too long
        error = e.code();
    }
    if (error)
        throw Error(fmt::format("{}: cannot connect to {}: {}", what, path, error.message()));
    return socket;
}

// Sends a line and reads the byte that answers it, 0 when the emulator has closed the connection.
Task<char> exchangeLine(HubSocket& socket, std::string line) {
    boost::system::error_code error;
    co_await asio::async_write(socket, asio::buffer(line), asio::redirect_error(asio::use_awaitable, error));
    char answer = 0;
    if (!error)
        co_await asio::async_read(socket, asio::buffer(&answer, 1),
                                  asio::redirect_error(asio::use_awaitable, error));
    co_return error ? '\0' : answer;
}

class EmulatedRings final : public Rings {
public:
    EmulatedRings(const Executor& executor, std::string directory, DomId ownDomid)
        : executor_(executor), directory_(std::move(directory)), ownDomid_(ownDomid) {}

    Task<DomId> ownDomid() override { co_return ownDomid_; }

    Task<RingPtr> offer(DomId client, std::string path, std::size_t) override {
        auto socket = connectHub(executor_, hubPath(directory_), "xen-emulator does not take vchans");
        const auto line = fmt::format("{} {}\n", client, path);
        const char answer = co_await exchangeLine(socket, line);
        if (answer == ringRefused) {
            std::string reason(256, '\0');
            boost::system::error_code end;
            const auto size = co_await asio::async_read(socket, asio::buffer(reason),
                                                        asio::redirect_error(asio::use_awaitable, end));
            reason.resize(size);
            throw Error(fmt::format("cannot make the vchan {} for domain {}: {}", path, client, reason));
        }
        if (answer != ringOffered)
            throw Error(errors::disconnected, fmt::format("xen-emulator went away before it offered the "
                                                          "vchan {} to domain {}",
                                                          path, client));
        co_return makeOfferedRing(executor_, std::move(socket), client);
    }

    Task<RingPtr> open(DomId server, std::string path, std::chrono::milliseconds limit) override {
        auto socket = connectHub(executor_, hubPath(directory_, ownDomid_),
                                 fmt::format("domain {} is not there", ownDomid_));
        if (server != controlDomain)
            throw Error(errors::notSupported, "emulated domains connect to domain 0 only");
        Timer timer(executor_);
        auto giveUp = [&socket] {
            boost::system::error_code ignored;
            socket.close(ignored);
        };
        timer.callAfter(limit, giveUp);
        const std::string line = path + "\n";
        const char answer = co_await exchangeLine(socket, line);
        const bool late = !socket.is_open();
        if (late)
            co_return nullptr;
        if (answer != ringOffered)
            throw Error(errors::disconnected,
                        fmt::format("domain {} went away before it could open {}", ownDomid_, path));
        co_return makeOpenedRing(executor_, std::move(socket), server);
    }

private:
    Executor executor_;
    std::string directory_;
    DomId ownDomid_;
};

} // namespace

std::string hubPath(const std::string& directory) {
    return directory + "/vchan";
}

std::string hubPath(const std::string& directory, DomId domid) {
    return fmt::format("{}/domains/{}/vchan", directory, domid);
}

std::shared_ptr<Rings> makeEmulatedRings(const Executor& executor, const std::string& directory,
                                         DomId ownDomid) {
    return std::make_shared<EmulatedRings>(executor, directory, ownDomid);
}

} // namespace xb::xen::vchan
