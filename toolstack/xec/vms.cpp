// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/vms.hpp"

#include "toolstack/xec/value_printer.hpp"

#include <algorithm>
#include <limits>

namespace xb::xec {

namespace {

constexpr auto bulkInterface = "org.xenbroker.xenmgr";
const std::vector<std::string> tableProperties{"domid", "name", "uuid", "state"};

std::vector<Vm> fromBulkReply(const std::vector<Value>& reply) {
    if (reply.size() != 1 || reply[0].type != "a(oa{sv})")
        throw Error("get_vms answered with values of another type than its interface says");
    std::vector<Vm> vms;
    for (const Value& row : reply[0].members()) {
        Vm vm;
        vm.path = std::get<std::string>(row.members()[0].data);
        for (const Value& entry : row.members()[1].members())
            vm.properties.emplace(std::get<std::string>(entry.members()[0].data),
                                  entry.members()[1].unwrapped());
        vms.push_back(std::move(vm));
    }
    return vms;
}

Task<std::vector<Vm>> readAtOnce(Client& client, std::vector<std::string> properties) {
    std::vector<Value> arguments{stringsValue(properties)};
    const std::vector<Value> reply =
        co_await client.call("/", bulkInterface, "get_vms", std::move(arguments));
    co_return fromBulkReply(reply);
}

// Properties still to be read, and the workers that read them side by side.
struct Reading {
    Reading(Client& c, Executor executor, std::vector<std::string> names)
        : client(c), finished(std::move(executor)), properties(std::move(names)) {}

    Client& client;
    Event finished;
    std::vector<std::string> properties;
    std::vector<Vm> vms;
    std::size_t next = 0;
    std::size_t workers = 0;
    std::exception_ptr failure;
};

// A VM may go away and a property may not be readable: it is left out. Other failures end the reading.
bool concernsOneValue(const Error& error) {
    return error.name() != errors::serviceUnknown && error.name() != errors::nameHasNoOwner &&
           error.name() != errors::noReply && error.name() != errors::timeout &&
           error.name() != errors::disconnected && error.name() != errors::accessDenied;
}

Task<> readSome(std::shared_ptr<Reading> reading) {
    const std::size_t columns = reading->properties.size();
    while (!reading->failure && reading->next < reading->vms.size() * columns) {
        const std::size_t index = reading->next++;
        Vm& vm = reading->vms[index / columns];
        const std::string& property = reading->properties[index % columns];
        try {
            Value value = co_await reading->client.get(vm.path, vmInterface, property);
            vm.properties.emplace(property, std::move(value));
        } catch (const Error& e) {
            if (!concernsOneValue(e))
                reading->failure = std::current_exception();
        }
    }
    if (--reading->workers == 0)
        reading->finished.set();
}

Task<std::vector<Vm>> readOneByOne(Client& client, std::vector<std::string> properties) {
    std::vector<Value> none;
    const std::vector<Value> reply = co_await client.call("/", xenmgrInterface, "list_vms", std::move(none));
    if (reply.size() != 1 || reply[0].type != "ao")
        throw Error("list_vms answered with values of another type than its interface says");
    const Executor executor = client.bus().loop().executor();
    auto reading = std::make_shared<Reading>(client, executor, std::move(properties));
    for (const Value& path : reply[0].members()) {
        Vm vm;
        vm.path = std::get<std::string>(path.data);
        reading->vms.push_back(std::move(vm));
    }
    reading->workers = std::min(callsInFlight, reading->vms.size() * reading->properties.size());
    if (reading->workers > 0) {
        const std::size_t workers = reading->workers;
        for (std::size_t i = 0; i < workers; ++i)
            spawn(executor, "reading properties", readSome(reading));
        co_await reading->finished.wait();
    }
    if (reading->failure)
        std::rethrow_exception(reading->failure);
    co_return std::move(reading->vms);
}

std::string shown(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            c = '?';
    return text;
}

// Columns that a UTF-8 text takes, at one per code point.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string left(const std::string& text, std::size_t columns) {
    const std::size_t used = width(text);
    return used < columns ? text + std::string(columns - used, ' ') : text;
}

std::string row(const std::string& id, const std::string& name, const std::string& uuid,
                const std::string& state) {
    const std::string padding = id.size() < 3 ? std::string(3 - id.size(), ' ') : "";
    return padding + id + " | " + left(name, 18) + " | " + left(uuid, 36) + " | " + left(state, 10) + "\n";
}

void sortByDomid(std::vector<Vm>& vms) {
    auto key = [](const Vm& vm) {
        return vm.domid() < 0 ? std::numeric_limits<std::int64_t>::max() : vm.domid();
    };
    std::stable_sort(vms.begin(), vms.end(), [&](const Vm& a, const Vm& b) { return key(a) < key(b); });
}

Task<std::string> selectVm(Client& client, VmOptions options) {
    if (options.object)
        co_return *options.object;
    const auto [property, wanted] = options.name   ? std::pair("name", *options.name)
                                    : options.uuid ? std::pair("uuid", *options.uuid)
                                                   : std::pair("domid", *options.domid);
    std::vector<std::string> properties{property};
    const std::vector<Vm> vms = co_await readVms(client, std::move(properties));
    for (const Vm& vm : vms)
        if (vm.properties.contains(property) && vm.text(property) == wanted)
            co_return vm.path;
    throw UsageError(std::string("there is no VM with ") + property + " " + wanted);
}

// Device numbers become a part of an object path.
std::string deviceNumber(const char* option, const std::string& text) {
    const bool good = !text.empty() && text.size() <= 9 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!good)
        throw UsageError(std::string(option) + " " + text + ": not a device number");
    return text;
}

} // namespace

std::string Vm::text(const std::string& property) const {
    const auto found = properties.find(property);
    return found == properties.end() ? std::string() : printValue(found->second);
}

std::int64_t Vm::domid() const {
    const auto found = properties.find("domid");
    if (found == properties.end())
        return -1;
    const auto* number = std::get_if<std::int64_t>(&found->second.data);
    return number ? *number : -1;
}

Task<std::vector<Vm>> readVms(Client& client, std::vector<std::string> properties) {
    try {
        bool bulk = true;
        try {
            co_return co_await readAtOnce(client, properties);
        } catch (const ReplyError& e) {
            bulk = e.name() != errors::unknownInterface && e.name() != errors::unknownMethod;
            if (bulk)
                throw;
        }
        co_return co_await readOneByOne(client, properties);
    } catch (const ReplyError& e) {
        // Our own question, not the user's: told on stderr.
        throw Error(e.name(), "cannot list the VMs: " + std::string(e.what()) + " (" + e.name() + ")");
    }
}

Task<std::string> selectObject(Client& client, VmOptions options) {
    std::string device;
    if (options.disk)
        device = "/disk/" + deviceNumber("--disk", *options.disk);
    else if (options.nic)
        device = "/nic/" + deviceNumber("--nic", *options.nic);
    const std::string vm = co_await selectVm(client, std::move(options));
    co_return vm + device;
}

Task<std::string> showTable(Client& client, VmOptions options) {
    std::vector<std::string> properties = tableProperties;
    std::vector<Vm> vms = co_await readVms(client, std::move(properties));
    co_return options.json ? printTableJson(std::move(vms), *options.json) : printTable(std::move(vms));
}

Task<std::string> listNames(Client& client) {
    std::vector<std::string> properties{"name"};
    const std::vector<Vm> vms = co_await readVms(client, std::move(properties));
    std::string text;
    for (const Vm& vm : vms)
        text += shown(vm.text("name")) + "\n";
    co_return text;
}

std::string printTable(std::vector<Vm> vms) {
    sortByDomid(vms);
    std::string text = row("ID", "Name", "UUID", "State");
    text += std::string(text.size() - 1, '-') + "\n";
    for (const Vm& vm : vms)
        text += row(vm.domid() < 0 ? "" : std::to_string(vm.domid()), shown(vm.text("name")),
                    shown(vm.text("uuid")), shown(vm.text("state")));
    return text;
}

std::string printTableJson(std::vector<Vm> vms, JsonStyle style) {
    sortByDomid(vms);
    return writeJson(style, [&](JsonSink& json) {
        json.beginArray();
        for (const Vm& vm : vms) {
            json.beginObject();
            json.key("domid");
            if (vm.domid() < 0)
                json.null();
            else
                json.value(Value{"x", vm.domid()});
            for (const char* property : {"name", "uuid", "state"}) {
                json.key(property);
                json.text(vm.text(property));
            }
            json.key("path");
            json.text(vm.path);
            json.endObject();
        }
        json.endArray();
    });
}

} // namespace xb::xec
