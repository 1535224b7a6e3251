// SPDX-License-Identifier: Apache-2.0
// The commands of the emulated guest's console.
#include "xen/emulated/guest/block_frontend.hpp"
#include "xen/emulated/guest/guest.hpp"
#include "xen/emulated/guest/net_frontend.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <sstream>

namespace xb::xen::emulated {

void Guest::onLine(std::string line) {
    std::istringstream stream(line);
    std::string command;
    std::string rest;
    stream >> command;
    std::getline(stream >> std::ws, rest);
    if (!command.empty())
        runCommand(command, rest);
}

void Guest::runCommand(const std::string& command, const std::string& rest) {
    if (command == "help") {
        print("date, disk, write DISK SECTOR TEXT, ping [ADDRESS], store PATH, store-write PATH VALUE, "
              "set NAME VALUE, get NAME, uptime, poweroff, reboot, crash");
    } else if (command == "date") {
        const std::time_t now = std::time(nullptr);
        char text[64];
        std::tm parts{};
        std::strftime(text, sizeof text, "%F %T UTC", ::gmtime_r(&now, &parts));
        print(text);
    } else if (command == "disk") {
        reportDisks();
    } else if (command == "write") {
        print(writeDisk(rest));
    } else if (command == "ping") {
        print(pingFrom(rest));
    } else if (command == "store") {
        print(storeCommand(rest));
    } else if (command == "store-write") {
        const auto space = rest.find(' ');
        try {
            if (!store_)
                throw std::runtime_error("no PV driver");
            store_->write(rest.substr(0, space), space == std::string::npos ? "" : rest.substr(space + 1));
            print("written");
        } catch (const std::runtime_error& e) {
            print(e.what());
        }
    } else if (command == "set") {
        print(setVariable(rest));
    } else if (command == "get") {
        const auto found = variables_.find(rest);
        print(found == variables_.end() ? rest + ": not set" : rest + " = \"" + found->second + "\"");
    } else if (command == "uptime") {
        print("up " + std::to_string(uptimeMs()) + " ms, boot " + boot_ + ", suspended " +
              std::to_string(suspends_) + " times");
    } else if (command == "poweroff") {
        stop(poweroff);
    } else if (command == "reboot") {
        stop(reboot);
    } else if (command == "crash") {
        print("crashing");
        std::signal(SIGABRT, SIG_DFL);
        std::abort();
    } else {
        print(command + ": unknown command, try help");
    }
}

std::string Guest::storeCommand(const std::string& path) {
    if (!store_)
        return "no PV driver";
    try {
        const auto value = store_->read(path);
        if (!value)
            return path + ": no such node";
        std::string text = path + " = \"" + *value + "\"";
        for (const auto& name : store_->list(path))
            text += "\r\n  " + name;
        return text;
    } catch (const StoreError& e) {
        return e.what();
    }
}

std::string Guest::writeDisk(const std::string& arguments) {
    std::istringstream stream(arguments);
    std::string name;
    std::string text;
    std::uint64_t sector = 0;
    if (!(stream >> name >> sector) || !std::getline(stream >> std::ws, text))
        return "write: say write DISK SECTOR TEXT";
    for (const auto& device : devices_)
        if (auto* disk = dynamic_cast<BlockFrontend*>(device.get()); disk && disk->name() == name)
            return disk->writeText(sector, text);
    return name + ": no such disk";
}

std::string Guest::pingFrom(const std::string& address) {
    const auto ip = address.empty() ? std::optional(hostStationIp) : parseIp(address);
    if (!ip)
        return address + ": not an address";
    for (const auto& device : devices_)
        if (auto* card = dynamic_cast<NetFrontend*>(device.get()); card && !card->gone())
            return card->name() + ": " + card->ping(*ip);
    return "no network card";
}

void Guest::reportDisks() {
    bool any = false;
    for (const auto& device : devices_)
        if (auto* disk = dynamic_cast<BlockFrontend*>(device.get()); disk && !disk->gone()) {
            any = true;
            if (disk->connected())
                disk->report();
            else
                print(disk->name() + ": not connected");
        }
    if (!any)
        print("no disk");
}

} // namespace xb::xen::emulated
