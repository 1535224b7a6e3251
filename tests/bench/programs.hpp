// SPDX-License-Identifier: Apache-2.0
// Programs under measurement, and the echo service that they are compared with: through the bus layer that
// all daemons use, and on nothing but sd-bus.
#pragma once

#include "client.hpp"
#include "tests/support/process.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace xb::bench {

inline constexpr auto echoService = "org.xenbroker.bench.echo";
inline constexpr auto bareEchoService = "org.xenbroker.bench.bare_echo";
inline constexpr auto databaseService = "com.citrix.xenclient.db";

/// Has `text` returned; without one, a text as long as a property's name.
Call echoCall(const char* service = echoService, std::string text = "com.citrix.xenclient.xenmgr.vm");
/// A call of the database's.
Call databaseCall(const std::string& member, std::vector<std::string> arguments);

/// Starts a program whose files lie in `directory`; throws with its messages if it is waited for and ends.
std::unique_ptr<test::Process> launch(const std::filesystem::path& directory, const std::string& name,
                                      std::vector<std::string> arguments, bool waitReady);
/// Ends a program with SIGTERM and waits; throws with its messages if it ends with another status than 0.
void end(std::unique_ptr<test::Process>& process);

} // namespace xb::bench
