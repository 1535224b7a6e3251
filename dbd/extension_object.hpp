// SPDX-License-Identifier: Apache-2.0
// org.xenbroker.db on the bus: changes of many nodes at once, watches, and how dbd is doing.
#pragma once

#include "dbd/database.hpp"
#include "idl/org_xenbroker_db_server.hpp"

namespace xb::dbd {

class DbExtensionObject : public idl::org_xenbroker_db::DbServer {
public:
    explicit DbExtensionObject(Database& database) : db_(database) {}

    Task<> apply(Caller caller, std::vector<Struct<std::string, std::string, std::string>> steps) override;
    Task<> watch(Caller caller, std::string prefix) override;
    Task<> unwatch(Caller caller, std::string prefix) override;
    Task<> sync(Caller caller) override;
    Task<std::tuple<std::uint64_t, std::uint64_t, std::uint32_t, std::uint64_t, std::uint64_t, std::string,
                    std::vector<Struct<std::string, std::uint32_t, std::string>>>>
    statistics(Caller caller) override;

private:
    Task<> requireDom0(Caller caller, const char* what);

    Database& db_;
};

} // namespace xb::dbd
