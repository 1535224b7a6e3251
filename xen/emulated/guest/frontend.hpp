// SPDX-License-Identifier: Apache-2.0
// A paravirtual device's frontend in the emulated guest: follows the xenbus states of its backend, offers a
// channel as ring-ref and connects (io/xenbus.h; docs/misc/xenstore-paths of Xen). Subclasses know the class
// of device. Owns its watch's token and the channel; failures are told on the console and leave the device
// unconnected.
#pragma once

#include "toolstack/libs/unique_fd.hpp"
#include "xen/emulated/device_channel.hpp"
#include "xen/emulated/guest/guest_store.hpp"

#include <functional>
#include <memory>
#include <string>

namespace xb::xen::emulated {

/// What every frontend needs of its guest.
struct FrontendContext {
    GuestStore& store;
    std::string directory; ///< the emulator's
    std::uint32_t domid;
    std::function<void(const std::string&)> print; ///< one line on the console
    bool keepDevices = false;                      ///< refuses to give devices up
};

class Frontend {
public:
    /// `path`: relative, device/<class>/<devid>.
    Frontend(FrontendContext& context, std::string path);
    Frontend(const Frontend&) = delete;
    Frontend& operator=(const Frontend&) = delete;
    virtual ~Frontend();

    const std::string& path() const { return path_; }
    const std::string& backend() const { return backend_; }
    /// Token of the watch on the backend's state.
    std::string token() const { return "backend:" + path_; }
    /// Looks at the backend's state and does what it asks for.
    void update();
    /// Ends the watch: the device is gone from xenstore, or another one took its place.
    void forget();
    /// Whether the nodes are those of a device that was made after this one was detached.
    bool replaced() const;
    bool connected() const { return state_ == XenbusState::connected; }
    /// It has been taken away with its nodes, which is heard of later.
    bool gone() const;
    /// Whether nothing more will happen by itself (connected, or closed).
    bool settled() const { return connected() || state_ == XenbusState::closed; }
    /// The connected channel, or -1.
    int channel() const { return channel_.get(); }
    virtual void onReadable() {}

protected:
    /// Writes what this class of device tells its backend besides the ring.
    virtual void describe(const std::string& ref) = 0;
    /// The device is usable: says on the console what it found.
    virtual void report() = 0;

    FrontendContext& context_;

private:
    void follow();
    void offer();
    void connect();
    void close();
    void refuse();
    void setState(XenbusState state);

    std::string path_;
    std::string backend_;
    std::string socketPath_;
    XenbusState state_ = XenbusState::initialising;
    UniqueFd listener_;
    UniqueFd channel_;
};

/// Throws std::system_error.
int makeListener(const std::string& path);

} // namespace xb::xen::emulated
