// SPDX-License-Identifier: Apache-2.0
// com.citrix.xenclient.db on the bus, the interface that existing clients know.
#pragma once

#include "dbd/database.hpp"
#include "idl/db_server.hpp"

namespace xb::dbd {

class DbObject : public idl::db::DbServer {
public:
    DbObject(Database& database, FileSystem& fs) : db_(database), fs_(fs) {}

    Task<std::string> read(Caller caller, std::string path) override;
    Task<std::vector<std::uint8_t>> readBinary(Caller caller, std::string path) override;
    Task<std::string> dump(Caller caller, std::string path) override;
    Task<std::vector<std::string>> list(Caller caller, std::string path) override;
    Task<bool> exists(Caller caller, std::string path) override;
    Task<> write(Caller caller, std::string path, std::string value) override;
    Task<> inject(Caller caller, std::string path, std::string value) override;
    Task<> rm(Caller caller, std::string path) override;

private:
    Database& db_;
    FileSystem& fs_;
    Workers reader_;
};

} // namespace xb::dbd
