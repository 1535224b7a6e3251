// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/domain_table.hpp"

#include <fmt/format.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>

namespace xb::xenops {

namespace {

using Cells = std::vector<std::string>;

constexpr std::uint64_t nsPerTenth = 100'000'000;

std::string classicState(const DomainRow& row) {
    std::string state(6, ' ');
    const auto mark = [&](std::size_t column, bool set, char letter) {
        if (set)
            state[column] = letter;
    };
    mark(0, row.info.dying, 'D');
    mark(1, row.info.shutdown, 'S');
    mark(2, row.info.paused, 'P');
    mark(3, row.details && row.details->blocked, 'B');
    mark(4, row.details && row.details->running, 'R');
    mark(5, row.details && row.details->hvm, 'H');
    return state;
}

// What a hypervisor does not tell is -.
template <class Value>
std::string detail(const DomainRow& row, Value xen::DomainDetails::*member) {
    return row.details ? fmt::format("{}", *row.details.*member) : "-";
}

Cells classicCells(const DomainRow& row, bool verbose) {
    const auto& info = row.info;
    if (!verbose)
        return {fmt::format("{}", info.domid), classicState(row), fmt::format("{}", info.cpuTimeNs),
                info.uuid};
    return {fmt::format("{}", info.domid),
            classicState(row),
            detail(row, &xen::DomainDetails::shutdownCode),
            fmt::format("{}", info.memoryKib / 1024),
            fmt::format("{}", info.maxMemoryKib / 1024),
            row.details ? fmt::format("{:x}", row.details->sharedInfoFrame) : "-",
            fmt::format("{}", info.cpuTimeNs),
            detail(row, &xen::DomainDetails::onlineVcpus),
            detail(row, &xen::DomainDetails::highestVcpu),
            detail(row, &xen::DomainDetails::securityId),
            info.uuid};
}

std::vector<std::size_t> widths(const std::vector<Cells>& rows) {
    std::vector<std::size_t> widest;
    for (const Cells& row : rows) {
        widest.resize(std::max(widest.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widest[i] = std::max(widest[i], row[i].size());
    }
    return widest;
}

using Writer = rapidjson::PrettyWriter<rapidjson::StringBuffer>;

void member(Writer& json, const char* key, const std::string& value) {
    json.Key(key);
    json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}
void member(Writer& json, const char* key, std::uint64_t value) {
    json.Key(key);
    json.Uint64(value);
}
void flag(Writer& json, const char* key, bool value) {
    json.Key(key);
    json.Bool(value);
}

void writeDomain(Writer& json, const DomainRow& row) {
    const auto& info = row.info;
    json.StartObject();
    member(json, "domid", info.domid);
    member(json, "name", info.name);
    member(json, "uuid", info.uuid);
    member(json, "memory_kib", info.memoryKib);
    member(json, "max_memory_kib", info.maxMemoryKib);
    member(json, "vcpus", info.vcpus);
    member(json, "cpu_time_ns", info.cpuTimeNs);
    member(json, "state", stateLetters(row));
    flag(json, "paused", info.paused);
    flag(json, "shutdown", info.shutdown);
    flag(json, "dying", info.dying);
    if (info.shutdown)
        member(json, "shutdown_reason", xen::toString(info.reason));
    if (row.details) {
        flag(json, "hvm", row.details->hvm);
        flag(json, "running", row.details->running);
        flag(json, "blocked", row.details->blocked);
        member(json, "online_vcpus", row.details->onlineVcpus);
        member(json, "label", row.details->label);
    }
    json.EndObject();
}

} // namespace

std::string stateLetters(const DomainRow& row) {
    const auto& info = row.info;
    std::string state(6, '-');
    const auto mark = [&](std::size_t column, bool set, char letter) {
        if (set)
            state[column] = letter;
    };
    mark(0, row.details && row.details->running, 'r');
    mark(1, row.details && row.details->blocked, 'b');
    mark(2, info.paused, 'p');
    mark(3, info.shutdown, 's');
    mark(4, info.shutdown && info.reason == xen::ShutdownReason::crash, 'c');
    mark(5, info.dying, 'd');
    return state;
}

std::string alignedTable(const std::vector<Cells>& rows) {
    const auto widest = widths(rows);
    std::string text;
    for (const Cells& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i)
            line +=
                i == 0 ? fmt::format("{:<{}}", row[i], widest[i]) : fmt::format(" {:>{}}", row[i], widest[i]);
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

std::string everydayTable(const std::vector<DomainRow>& rows, bool labels) {
    std::vector<Cells> cells{{fmt::format("{:<24}", "Name"), "ID", "Mem(MiB)", "VCPUs", "State", "Time(s)"}};
    if (labels)
        cells[0].push_back("Label");
    for (const DomainRow& row : rows) {
        const auto& info = row.info;
        const std::uint64_t tenths = info.cpuTimeNs / nsPerTenth;
        cells.push_back({info.name.empty() ? "(null)" : info.name, fmt::format("{}", info.domid),
                         fmt::format("{}", info.memoryKib / 1024), fmt::format("{}", info.vcpus),
                         stateLetters(row), fmt::format("{}.{}", tenths / 10, tenths % 10)});
        if (labels)
            cells.back().push_back(row.details && !row.details->label.empty() ? row.details->label
                                                                              : "INACTIVE");
    }
    return alignedTable(cells);
}

std::string classicTable(const std::vector<DomainRow>& rows, bool verbose) {
    std::vector<Cells> cells;
    if (verbose)
        cells.push_back({"id", "state", "shutdown code", "tot_memory (MiB)", "max_memory (MiB)", "sharedinfo",
                         "cpu_time", "vcpus online", "max vcpu id", "ssidref", "uuid"});
    else
        cells.push_back({"id", "state", "cpu_time", "uuid"});
    for (const DomainRow& row : rows)
        cells.push_back(classicCells(row, verbose));
    const auto widest = widths(cells);
    std::string text;
    for (const Cells& row : cells) {
        for (std::size_t i = 0; i < row.size(); ++i)
            text += fmt::format("{}{:>{}}", i == 0 ? "" : " | ", row[i], widest[i]);
        text += "\n";
    }
    return text;
}

std::string domainsJson(const std::vector<DomainRow>& rows) {
    rapidjson::StringBuffer buffer;
    Writer json(buffer);
    json.SetIndent(' ', 2);
    json.StartArray();
    for (const DomainRow& row : rows)
        writeDomain(json, row);
    json.EndArray();
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::string durationText(std::uint64_t seconds) {
    const std::uint64_t days = seconds / 86400;
    const std::string clock =
        fmt::format("{}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    return days == 0 ? clock : fmt::format("{} day{}, {}", days, days == 1 ? "" : "s", clock);
}

} // namespace xb::xenops
