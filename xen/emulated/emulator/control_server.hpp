// SPDX-License-Identifier: Apache-2.0
// The emulator's control socket: takes clients, answers their requests (several at a time) and pushes domain
// events to all of them. Owns the listening socket and the clients' connections; a client that goes takes
// nothing with it.
#pragma once

#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/emulator/emulator.hpp"
#include "xen/emulated/framed_socket.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <optional>
#include <set>

namespace xb::xen::emulated {

/// Requests of one client that may be under way at once.
inline constexpr std::size_t maxRequestsPerClient = 64;

class ControlServer {
public:
    ControlServer(const Executor& executor, Emulator& emulator);

    /// Listens; throws xb::Error.
    void start();
    void close();

private:
    struct Client {
        std::shared_ptr<FramedSocket> socket;
        std::size_t requests = 0;
    };
    using ClientPtr = std::shared_ptr<Client>;

    Task<> accept();
    Task<> serveClient(ClientPtr client);
    Task<> serveRequest(ClientPtr client, std::string text, UniqueFd descriptor);
    Task<> answer(ClientPtr client, std::uint64_t id, rapidjson::Document& request,
                  rapidjson::Document& reply, UniqueFd descriptor);
    Task<Json> handle(ClientPtr client, std::uint64_t id, std::string method, const Json& params,
                      Allocator& allocator);
    /// The methods that take a descriptor; nothing when it is none of them.
    Task<std::optional<Json>> handleStream(ClientPtr client, std::uint64_t id, std::string method,
                                           const Json& params, UniqueFd descriptor);
    static Hypervisor::ProgressHandler progressOf(ClientPtr client, std::uint64_t id);
    Task<bool> handleDevice(std::string method, DomId domid, const Json& params);
    /// control_resources.cpp; nothing when `method` is none of its.
    Task<std::optional<Json>> handleResources(std::string method, const Json& params, Allocator& allocator);
    Json inject(const Json& params);
    void broadcast(DomId domid, const char* event, ShutdownReason reason);

    Executor executor_;
    Emulator& emulator_;
    asio::local::stream_protocol::acceptor acceptor_;
    std::set<ClientPtr> clients_;
};

} // namespace xb::xen::emulated
