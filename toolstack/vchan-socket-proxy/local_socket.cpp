// SPDX-License-Identifier: Apache-2.0
#include "toolstack/vchan-socket-proxy/local_socket.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/redirect_error.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xb::vchan_proxy {

namespace {

constexpr mode_t ownerOnly = 0600;
constexpr int backlog = 16;

using Endpoint = asio::local::stream_protocol::endpoint;

Endpoint endpointOf(const std::string& file) {
    try {
        return Endpoint(file);
    } catch (const boost::system::system_error&) {
        throw Error(fmt::format("socket {}: the path is too long", file));
    }
}

// What a listener that is gone left behind.
void removeStale(const Executor& executor, const std::string& file) {
    struct stat found {};
    if (::lstat(file.c_str(), &found) != 0)
        return; // bind() will say what is wrong, if anything is
    if (!S_ISSOCK(found.st_mode))
        throw Error(fmt::format("socket {}: the file is there and is no socket", file));
    Socket probe(executor);
    boost::system::error_code error;
    probe.connect(endpointOf(file), error);
    if (!error)
        throw Error(fmt::format("socket {}: somebody listens there already", file));
    if (error != asio::error::connection_refused)
        throw Error(
            fmt::format("socket {}: cannot tell whether somebody listens: {}", file, error.message()));
    ::unlink(file.c_str());
}

int option(int descriptor, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

void checkDescriptor(int descriptor, bool listening) {
    const bool fits = option(descriptor, SO_DOMAIN) == AF_UNIX &&
                      option(descriptor, SO_TYPE) == SOCK_STREAM &&
                      option(descriptor, SO_ACCEPTCONN) == (listening ? 1 : 0);
    if (!fits)
        throw Error(errors::invalidArgs, fmt::format("descriptor {} is not a local stream socket that {}",
                                                     descriptor, listening ? "listens" : "is connected"));
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

} // namespace

Acceptor listenAt(const Executor& executor, const std::string& file) {
    const Endpoint endpoint = endpointOf(file);
    removeStale(executor, file);
    Acceptor acceptor(executor);
    boost::system::error_code error;
    acceptor.open({}, error);
    if (!error)
        ::fchmod(acceptor.native_handle(), ownerOnly); // what the file gets: nobody is let in before
    if (!error)
        acceptor.bind(endpoint, error);
    if (error)
        throw Error(fmt::format("socket {}: cannot listen: {}", file, error.message()));
    acceptor.listen(backlog, error);
    if (error) {
        ::unlink(file.c_str());
        throw Error(fmt::format("socket {}: cannot listen: {}", file, error.message()));
    }
    return acceptor;
}

Acceptor adoptListening(const Executor& executor, int descriptor) {
    checkDescriptor(descriptor, true);
    return {executor, asio::local::stream_protocol(), descriptor};
}

Socket adoptConnected(const Executor& executor, int descriptor) {
    checkDescriptor(descriptor, false);
    return {executor, asio::local::stream_protocol(), descriptor};
}

Task<Socket> connectTo(Executor executor, std::string file) {
    const Endpoint endpoint = endpointOf(file);
    Socket socket(executor);
    boost::system::error_code error;
    co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    if (error)
        throw Error(fmt::format("socket {}: cannot connect: {}", file, error.message()));
    co_return socket;
}

} // namespace xb::vchan_proxy
