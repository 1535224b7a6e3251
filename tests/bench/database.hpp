// SPDX-License-Identifier: Apache-2.0
// dbd under measurement: alone on a private bus beside the bare echo service, on one directory after the
// other.
#pragma once

#include "figures.hpp"
#include "programs.hpp"
#include "tests/support/private_bus.hpp"

#include <filesystem>
#include <memory>
#include <set>
#include <string>

namespace xb::bench {

class Database {
public:
    Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    const std::filesystem::path& directory() const { return directory_.path(); }
    Client& client() { return *client_; }
    pid_t dbd() const { return dbd_->pid(); }
    pid_t echo() const { return echo_->pid(); }

    /// Starts dbd on DIR; returns the milliseconds until it has answered `first`.
    double start(const std::filesystem::path& directory, const Call& first);
    void stop();
    /// The same for an echo service, which is ended again.
    double startEcho();

private:
    double untilAnswer(std::unique_ptr<test::Process>& process, std::vector<std::string> arguments,
                       const Call& first);

    test::TemporaryDirectory directory_;
    test::PrivateBus bus_;
    std::unique_ptr<test::Process> echo_;
    std::unique_ptr<Client> client_;
    std::unique_ptr<test::Process> dbd_;
    std::set<std::string> owned_; ///< well-known names
};

/// Reads keys all over the database of database_text.hpp, or writes them, another value each time.
Call readAnywhere();
Call writeAnywhere();

/// What the measurements of dbd get.
struct DatabaseRun {
    Database& database;
    Report& report;
    Effort effort;
};

/// Start, memory, files; leaves dbd running on the database of database_text.hpp.
void measureDatabaseStart(const DatabaseRun& run);
/// Calls of each kind beside echo.
void measureDatabaseCalls(const DatabaseRun& run);
/// Reads, writes and removals among many siblings against such among few.
void measureSiblings(const DatabaseRun& run);
/// The longest waits of a client, and the memory after that.
void measureDatabaseLoad(const DatabaseRun& run);

} // namespace xb::bench
