// SPDX-License-Identifier: Apache-2.0
// The JSON that travels on the emulator's control socket (framed_socket.hpp):
//
//   request   {"id": N, "method": "create", "params": {...}}
//   reply     {"id": N, "result": ...}  or  {"id": N, "error": {"name": "...", "text": "..."}}
//   progress  {"progress": N, "step": 0, "domid": D}           to the request N
//   event     {"event": "shutdown" | "death" | "resumed", "domid": D, "reason": R}   to every client
//
// With save, restore and dumpCore comes the descriptor of the file, pipe or socket that they write or read.
//
// Reading throws xb::Error for anything malformed.
#pragma once

#include "xen/facts.hpp"

#include <rapidjson/document.h>

#include <optional>
#include <string>
#include <vector>

namespace xb::xen::emulated {

using Json = rapidjson::Value;
using Allocator = rapidjson::Document::AllocatorType;

/// Deepest nesting of a message.
inline constexpr int maxJsonDepth = 16;

/// Names of the control socket and of xenstored's, below the emulator's directory.
std::string controlSocketPath(const std::string& directory);
std::string xenstoreSocketPath(const std::string& directory);

rapidjson::Document parseMessage(const std::string& text);
std::string toText(const Json& value);

Json jsonString(const std::string& text, Allocator& allocator);
std::string stringMember(const Json& object, const char* name);
std::uint64_t numberMember(const Json& object, const char* name);
DomId domidMember(const Json& object);
bool flagMember(const Json& object, const char* name);
/// Members "disk" and "nic".
DiskConfig diskMember(const Json& object);
NicConfig nicMember(const Json& object);

Json toJson(const DiskConfig& disk, Allocator& allocator);
Json toJson(const NicConfig& nic, Allocator& allocator);
Json toJson(const DomainConfig& config, Allocator& allocator);
DomainConfig domainConfigFromJson(const Json& value);
Json toJson(const DomainInfo& info, Allocator& allocator);
DomainInfo domainInfoFromJson(const Json& value);
Json toJson(const HostInfo& info, Allocator& allocator);
HostInfo hostInfoFromJson(const Json& value);
Json toJson(const MemoryTarget& target, Allocator& allocator);
MemoryTarget memoryTargetFromJson(const Json& value);
Json toJson(const std::vector<VcpuInfo>& vcpus, Allocator& allocator);
std::vector<VcpuInfo> vcpusFromJson(const Json& value);
Json toJson(SchedulerParameters parameters, Allocator& allocator);
SchedulerParameters schedulerFromJson(const Json& value);
Json toJson(const std::vector<unsigned>& numbers, Allocator& allocator);
/// Nothing when there is no such member.
std::optional<std::vector<unsigned>> numbersMember(const Json& object, const char* name);

} // namespace xb::xen::emulated
