// SPDX-License-Identifier: Apache-2.0
#include "toolstack/vchan-socket-proxy/qmp_filter.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace xb::vchan_proxy {

namespace {

constexpr std::size_t maxShown = 60;
constexpr std::string_view lineEnd = "\r\n";

[[noreturn]] void refuse(const std::string& why) {
    throw Error(errors::accessDenied, why);
}

bool isSpace(std::string_view line) {
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// No member of the root but these.
void checkMembers(const JsonObject& object, std::string_view what,
                  std::initializer_list<std::string_view> allowed) {
    for (const auto& [name, member] : object.members)
        if (name.find('.') == std::string::npos &&
            std::find(allowed.begin(), allowed.end(), name) == allowed.end())
            refuse(fmt::format("{} has the member {}", what, printable(name, maxShown)));
}

const JsonMember& need(const JsonObject& object, std::string_view name, JsonKind kind) {
    const auto* member = object.find(name);
    if (!member || member->kind != kind)
        refuse(fmt::format("{} is missing or of the wrong type", name));
    return *member;
}

// Names of classes, events and commands.
bool isName(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

std::string harmless(std::string_view path, std::string_view text) {
    constexpr std::string_view pty = "pty:";
    const auto key = path.substr(path.rfind('.') == std::string_view::npos ? 0 : path.rfind('.') + 1);
    if (key == "filename" && text.starts_with(pty))
        return "pty";
    if (path == "error.desc") {
        std::string result(text);
        std::replace_if(result.begin(), result.end(), isControl, ' ');
        return result;
    }
    return std::string(text);
}

} // namespace

NameSet defaultCommands() {
    return {"add-fd",
            "blockdev-change-medium",
            "change",
            "change-vnc-password",
            "cont",
            "cpu-add",
            "device_add",
            "device_del",
            "eject",
            "qmp_capabilities",
            "query-chardev",
            "query-cpus",
            "query-cpus-fast",
            "query-hotpluggable-cpus",
            "query-pci",
            "query-status",
            "query-version",
            "query-vnc",
            "remove-fd",
            "stop",
            "system_wakeup",
            "trace-event-set-state",
            "xen-load-devices-state",
            "xen-save-devices-state",
            "xen-set-global-dirty-log"};
}

NameSet defaultEvents() {
    return {"BALLOON_CHANGE",
            "BLOCK_IO_ERROR",
            "BLOCK_JOB_CANCELLED",
            "BLOCK_JOB_COMPLETED",
            "BLOCK_JOB_ERROR",
            "BLOCK_JOB_READY",
            "DEVICE_DELETED",
            "DEVICE_TRAY_MOVED",
            "DEVICE_UNPLUG_GUEST_ERROR",
            "GUEST_PANICKED",
            "JOB_STATUS_CHANGE",
            "MIGRATION",
            "NIC_RX_FILTER_CHANGED",
            "POWERDOWN",
            "RESET",
            "RESUME",
            "RTC_CHANGE",
            "SHUTDOWN",
            "STOP",
            "SUSPEND",
            "SUSPEND_DISK",
            "VNC_CONNECTED",
            "VNC_DISCONNECTED",
            "VNC_INITIALIZED",
            "WAKEUP",
            "WATCHDOG"};
}

void QmpFilter::fromToolstack(std::string_view bytes, std::string& passed) {
    cut(toolstackRest_, bytes, passed, &QmpFilter::command);
}

void QmpFilter::fromDeviceModel(std::string_view bytes, std::string& passed) {
    cut(deviceModelRest_, bytes, passed, &QmpFilter::message);
}

void QmpFilter::cut(std::string& rest, std::string_view bytes, std::string& passed, Handler handler) {
    const auto checkSize = [this](std::size_t size) {
        if (size > rules_.limits.messageBytes)
            refuse(fmt::format("a message has more than {} bytes", rules_.limits.messageBytes));
    };
    for (;;) {
        const auto end = bytes.find('\n');
        checkSize(rest.size() + (end == std::string_view::npos ? bytes.size() : end));
        rest += bytes.substr(0, end);
        if (end == std::string_view::npos)
            return;
        bytes.remove_prefix(end + 1);
        const std::string line = std::exchange(rest, {});
        if (!isSpace(line))
            (this->*handler)(line, passed);
    }
}

std::string QmpFilter::idOf(const JsonObject& object) const {
    const auto* id = object.find("id");
    if (!id)
        return "";
    if (id->kind != JsonKind::number && id->kind != JsonKind::text)
        refuse("an id is neither number nor text");
    if (id->value.size() > rules_.limits.idBytes)
        refuse(fmt::format("an id has {} bytes, the limit is {}", id->value.size(), rules_.limits.idBytes));
    return (id->kind == JsonKind::number ? "#" : "\"") + id->value;
}

void QmpFilter::command(std::string_view line, std::string& passed) {
    const JsonObject object = readObject(line, rules_.limits.depth, {});
    checkMembers(object, "a command", {"execute", "arguments", "id"});
    const auto& name = need(object, "execute", JsonKind::text).value;
    if (!rules_.commands.contains(name))
        refuse(fmt::format("the command {} is not allowed", printable(name, maxShown)));
    if (object.find("arguments"))
        need(object, "arguments", JsonKind::object);
    if (pending_.size() >= rules_.limits.pending)
        refuse(fmt::format("{} commands have no answer yet, that is the limit", pending_.size()));
    pending_.insert(idOf(object));
    passed.append(object.text).append(lineEnd);
}

void QmpFilter::message(std::string_view line, std::string& passed) {
    const JsonObject object = readObject(line, rules_.limits.depth, harmless);
    const bool isEvent = object.find("event") != nullptr;
    if (!greeted_)
        checkGreeting(object);
    else if (!isEvent)
        checkAnswer(object);
    else if (!wantsEvent(object))
        return;
    passed.append(object.text).append(lineEnd);
}

void QmpFilter::checkGreeting(const JsonObject& object) {
    if (!object.find("QMP"))
        refuse("it does not begin with a greeting");
    checkMembers(object, "a greeting", {"QMP"});
    need(object, "QMP", JsonKind::object);
    need(object, "QMP.version", JsonKind::object);
    need(object, "QMP.capabilities", JsonKind::array);
    greeted_ = true;
}

void QmpFilter::checkAnswer(const JsonObject& object) {
    if (object.find("QMP"))
        refuse("it greets a second time");
    if (object.find("error")) {
        checkMembers(object, "an error", {"error", "id"});
        if (!isName(need(object, "error.class", JsonKind::text).value))
            refuse("the class of an error is no name");
        const auto size = need(object, "error.desc", JsonKind::text).value.size();
        if (size > rules_.limits.errorBytes)
            refuse(fmt::format("the text of an error has {} bytes, the limit is {}", size,
                               rules_.limits.errorBytes));
    } else if (object.find("return")) {
        checkMembers(object, "an answer", {"return", "id"});
    } else {
        refuse("it is neither answer nor event");
    }
    const auto asked = pending_.find(idOf(object));
    if (asked == pending_.end())
        refuse("it answers what was not asked");
    pending_.erase(asked);
}

bool QmpFilter::wantsEvent(const JsonObject& object) {
    checkMembers(object, "an event", {"event", "data", "timestamp"});
    const auto& name = need(object, "event", JsonKind::text).value;
    if (!isName(name))
        refuse("the name of an event is no name");
    need(object, "timestamp", JsonKind::object);
    need(object, "timestamp.seconds", JsonKind::number);
    need(object, "timestamp.microseconds", JsonKind::number);
    if (object.find("data"))
        need(object, "data", JsonKind::object);
    const bool wanted = rules_.events.contains(name);
    eventsLeftOut_ += wanted ? 0 : 1;
    return wanted;
}

} // namespace xb::vchan_proxy
