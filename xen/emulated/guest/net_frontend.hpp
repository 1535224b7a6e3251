// SPDX-License-Identifier: Apache-2.0
// A network card of the emulated guest: answers ARP and echo requests, and can ping.
#pragma once

#include "xen/emulated/guest/frontend.hpp"
#include "xen/emulated/packets.hpp"

namespace xb::xen::emulated {

class NetFrontend final : public Frontend {
public:
    NetFrontend(FrontendContext& context, std::string path);

    const std::string& name() const { return name_; }
    const Station& station() const { return station_; }
    /// Says MAC, address and bridge, and pings the bridge's host station.
    void report() override;
    void onReadable() override;
    /// Pings, answering others meanwhile; the result is a line for the console.
    std::string ping(Ip address);

protected:
    void describe(const std::string& ref) override;

private:
    std::optional<std::string> receive();
    void send(const std::string& frame);
    template <class Accept>
    bool waitFor(Accept accept);

    std::string name_;
    Station station_;
    std::uint16_t sequence_ = 0;
};

} // namespace xb::xen::emulated
