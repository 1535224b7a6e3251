// SPDX-License-Identifier: Apache-2.0
// com.citrix.xenclient.xenmgr.config and .config.ui on /: the settings of the platform and of its user
// interface, by the tables of config_settings.hpp.
#pragma once

#include "idl/xenmgr_server.hpp"
#include "xenmgr/context.hpp"

namespace xb::xenmgr {

class ConfigObject : public idl::xenmgr::XenmgrConfigServer {
public:
    explicit ConfigObject(Context& context) : context_(context) {}
    Task<> readProperty(std::size_t index, Caller caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller caller, PropertyValue value) override;

private:
    Context& context_;
};

class ConfigUiObject : public idl::xenmgr::XenmgrConfigUiServer {
public:
    explicit ConfigUiObject(Context& context) : context_(context) {}
    Task<> readProperty(std::size_t index, Caller caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller caller, PropertyValue value) override;

private:
    Context& context_;
};

} // namespace xb::xenmgr
