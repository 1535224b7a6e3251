// SPDX-License-Identifier: Apache-2.0
// Byte streams between domains, in one interface with two implementations: on Xen with libxenvchan, elsewhere
// through a xen-emulator process. The control domain listens on a port for all domains; a program in a
// domain connects to it. Both speak the same protocol on their rings (docs/vchan.md), so what is above cannot
// tell which it runs on.
//
// Everything happens on the loop; what blocks (setting up rings) runs on a thread of the implementation.
// Destroying an object closes what it stands for. Failures are xb::Error with domain and port in the text.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xen/domain_config.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace xb::xen {

/// One connection. Reading and writing may wait at the same time, one coroutine each; both end when the
/// stream is closed or destroyed.
class VchanStream {
public:
    virtual ~VchanStream() = default;

    /// The domain at the other end, as the hypervisor has it: nothing that the other end says counts.
    virtual DomId peer() const = 0;

    /// Reads what is there: nothing when that is nothing yet, 0 at the end of the stream (the other side has
    /// closed or its domain is gone, and all that it had sent was read; or this side has closed).
    virtual std::optional<std::size_t> tryRead(std::span<char> buffer) = 0;
    /// Writes what there is room for, which may be 0. Throws xb::Error (Disconnected) when nobody will read
    /// it.
    virtual std::size_t tryWrite(std::span<const char> data) = 0;
    /// After a try that gave nothing: waits until another one is worth it.
    virtual Task<> readable() = 0;
    virtual Task<> writable() = 0;
    /// What was written can still be read by the other side; what it wrote and was not read is lost.
    virtual void close() = 0;

    /// Waits until something can be read. Bytes read, at least one; 0 at the end of the stream. The buffer
    /// must stay until then.
    virtual Task<std::size_t> readSome(std::span<char> buffer) = 0;
    /// Waits until something can be written. Bytes written, at least one. Throws as tryWrite().
    virtual Task<std::size_t> writeSome(std::span<const char> data) = 0;
};

/// Takes the connections of all domains to one port.
class VchanListener {
public:
    virtual ~VchanListener() = default;

    /// Waits for the next connection. Throws xb::Error (Disconnected) once closed. One coroutine at a time.
    virtual Task<std::unique_ptr<VchanStream>> accept() = 0;
    /// Nobody can connect any more; streams that were accepted go on.
    virtual void close() = 0;
};

class VchanConnector {
public:
    virtual ~VchanConnector() = default;

    /// Connects to a port of `server`. Throws xb::Error: Timeout when nobody has answered within `limit`,
    /// LimitsExceeded when the server refused.
    virtual Task<std::unique_ptr<VchanStream>> connect(DomId server, unsigned port,
                                                       std::chrono::milliseconds limit) = 0;
};

/// Ports are 1 to this.
inline constexpr unsigned maxVchanPort = 65535;
/// Bounds of a ring's size, bytes per direction: a page; what libxenvchan can share.
inline constexpr std::size_t minVchanRingSize = 4096;
inline constexpr std::size_t maxVchanRingSize = 1024 * 1024;

/// What domains may use of a listener. A ring takes 1 + 2 * ringSize / 4096 grants, and each domain that runs
/// one for its listener ring; Linux lets all programs of the control domain have 1024 together
/// (xen_gntalloc.limit).
struct VchanLimits {
    /// Of one domain, those included that it asked for and has not opened yet.
    std::size_t connectionsPerDomain = 32;
    std::size_t connections = 96; ///< of all domains, those included that accept() has not taken yet
    std::size_t ringSize = 4096;  ///< bytes, each way
    /// For a domain to ask once it opened the listener ring, and to open the ring that it was given.
    std::chrono::milliseconds handshakeTime{10000};
    /// A listener ring that was misused comes back after this time, doubled each time up to the maximum.
    std::chrono::milliseconds firstBackOff{100};
    std::chrono::milliseconds maxBackOff{30000};
};

/// Which implementation, as HypervisorOptions.
struct VchanOptions {
    std::string kind = "libxl"; ///< libxl or emulated
    std::string emulatorDirectory;
    /// emulated: the domain that a connector belongs to (on Xen the hypervisor knows).
    DomId ownDomid = 0;
};

/// Listens on `port`; call it in the control domain. Throws NotOnXen with what is missing, xb::Error
/// otherwise.
std::unique_ptr<VchanListener> openVchanListener(const Executor& executor, const VchanOptions& options,
                                                 unsigned port, const VchanLimits& limits = {});
/// Throws NotOnXen with what is missing, xb::Error otherwise.
std::unique_ptr<VchanConnector> openVchanConnector(const Executor& executor, const VchanOptions& options);

} // namespace xb::xen
