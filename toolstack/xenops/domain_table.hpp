// SPDX-License-Identifier: Apache-2.0
// Domains as tables and JSON: the everyday list, the classic list of list_domains, and the state columns of
// both.
#pragma once

#include "xen/facts.hpp"

#include <optional>
#include <string>
#include <vector>

namespace xb::xenops {

/// A row: what every hypervisor tells, and what only Xen itself does.
struct DomainRow {
    xen::DomainInfo info;
    std::optional<xen::DomainDetails> details;
};

/// Six columns: running, blocked, paused, shutdown, crashed, dying; - where it is not.
std::string stateLetters(const DomainRow& row);
/// Name ID Mem(MiB) VCPUs State Time(s), and Label.
std::string everydayTable(const std::vector<DomainRow>& rows, bool labels);
/// id | state | cpu_time | uuid, and with `verbose` everything; states are D S P B R H, blank when unset.
std::string classicTable(const std::vector<DomainRow>& rows, bool verbose);
std::string domainsJson(const std::vector<DomainRow>& rows);

/// "3 days, 4:05:06"
std::string durationText(std::uint64_t seconds);
/// Columns as wide as they need to be, the first one left-aligned and the others right-aligned.
std::string alignedTable(const std::vector<std::vector<std::string>>& rows);

} // namespace xb::xenops
