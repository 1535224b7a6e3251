// SPDX-License-Identifier: Apache-2.0
// com.citrix.xenclient.xenmgr.powersettings on /host: what closing the lid does. The settings are kept in the
// database; nothing here carries them out.
#pragma once

#include "idl/xenmgr_host_server.hpp"
#include "xenmgr/context.hpp"

#include <string>
#include <string_view>

namespace xb::xenmgr {

/// The word of a power action as it is stored: "" is "nothing". Throws xb::Error (InvalidArgs) that names the
/// words for anything that is not an action.
std::string checkedPowerAction(std::string_view word);
/// The action that the database has at `path`: "nothing" when it has none, or, with a warning, one that is
/// not known.
std::string storedPowerAction(const Db& db, const std::string& path, std::string_view fallback);

class PowerSettingsObject : public idl::xenmgr_host::XenmgrPowersettingsServer {
public:
    explicit PowerSettingsObject(Context& context) : context_(context) {}

    Task<std::string> getAcLidCloseAction(Caller) override;
    Task<std::string> getBatteryLidCloseAction(Caller) override;
    Task<> setAcLidCloseAction(Caller, std::string action) override;
    Task<> setBatteryLidCloseAction(Caller, std::string action) override;

private:
    Task<> store(std::string path, std::string action);

    Context& context_;
};

} // namespace xb::xenmgr
