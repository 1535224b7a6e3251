// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/control_protocol.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/utf8.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <limits>
#include <type_traits>

namespace xb::xen::emulated {

namespace {

// Both directions of every structure come from one list of its members: visit(name, member) for each.
template <class Config, class Visit>
void visitMembers(Config& c, Visit visit) requires std::is_same_v<std::remove_const_t<Config>, DiskConfig> {
    visit("path", c.path);
    visit("backend", c.backend);
    visit("vdev", c.vdev);
    visit("writable", c.writable);
    visit("cdrom", c.cdrom);
    visit("backendDomid", c.backendDomid);
}

template <class Config, class Visit>
void visitMembers(Config& c, Visit visit) requires std::is_same_v<std::remove_const_t<Config>, NicConfig> {
    visit("devid", c.devid);
    visit("mac", c.mac);
    visit("bridge", c.bridge);
    visit("model", c.model);
    visit("script", c.script);
    visit("backendDomid", c.backendDomid);
    visit("ip", c.ip);
    visit("ifname", c.ifname);
    visit("rateBytes", c.rateBytes);
    visit("rateIntervalUs", c.rateIntervalUs);
}

template <class Config, class Visit>
void visitMembers(Config& c, Visit visit) requires std::is_same_v<std::remove_const_t<Config>, PciAddress> {
    visit("domain", c.domain);
    visit("bus", c.bus);
    visit("device", c.device);
    visit("function", c.function);
}

template <class Config, class Visit>
void visitMembers(Config& c, Visit visit) requires std::is_same_v<std::remove_const_t<Config>, PciConfig> {
    visit("address", c.address);
    visit("permissive", c.permissive);
    visit("msiTranslate", c.msiTranslate);
    visit("powerManagement", c.powerManagement);
    visit("seize", c.seize);
    visit("guestSlot", c.guestSlot);
}

template <class Config, class Visit>
void visitMembers(Config& c,
                  Visit visit) requires std::is_same_v<std::remove_const_t<Config>, UsbControllerConfig> {
    visit("type", c.type);
    visit("version", c.version);
    visit("ports", c.ports);
}

template <class Config, class Visit>
void visitMembers(Config& c,
                  Visit visit) requires std::is_same_v<std::remove_const_t<Config>, UsbDeviceConfig> {
    visit("hostBus", c.hostBus);
    visit("hostAddress", c.hostAddress);
}

template <class Config, class Visit>
void visitMembers(Config& c,
                  Visit visit) requires std::is_same_v<std::remove_const_t<Config>, StubDomainConfig> {
    visit("wanted", c.wanted);
    visit("kernel", c.kernel);
    visit("ramdisk", c.ramdisk);
    visit("cmdline", c.cmdline);
    visit("memoryKib", c.memoryKib);
    visit("flaskLabel", c.flaskLabel);
}

template <class Config, class Visit>
void visitMembers(Config& c, Visit visit) requires std::is_same_v<std::remove_const_t<Config>, DomainConfig> {
    visit("uuid", c.uuid);
    visit("name", c.name);
    visit("type", c.type);
    visit("memoryKib", c.memoryKib);
    visit("maxMemoryKib", c.maxMemoryKib);
    visit("videoMemoryKib", c.videoMemoryKib);
    visit("vcpus", c.vcpus);
    visit("kernel", c.kernel);
    visit("ramdisk", c.ramdisk);
    visit("cmdline", c.cmdline);
    visit("bootloader", c.bootloader);
    visit("bootOrder", c.bootOrder);
    visit("bios", c.bios);
    visit("hap", c.hap);
    visit("acpi", c.acpi);
    visit("apic", c.apic);
    visit("pae", c.pae);
    visit("nx", c.nx);
    visit("viridian", c.viridian);
    visit("nestedHvm", c.nestedHvm);
    visit("hpet", c.hpet);
    visit("vptAlign", c.vptAlign);
    visit("timerMode", c.timerMode);
    visit("localtime", c.localtime);
    visit("timeOffsetSeconds", c.timeOffsetSeconds);
    visit("serial", c.serial);
    visit("sound", c.sound);
    visit("usb", c.usb);
    visit("usbVersion", c.usbVersion);
    visit("usbDevices", c.usbDevices);
    visit("vnc", c.vnc);
    visit("keyboard", c.keyboard);
    visit("framebuffer", c.framebuffer);
    visit("flaskLabel", c.flaskLabel);
    visit("platform", c.platform);
    visit("deviceModelArguments", c.deviceModelArguments);
    visit("stubDomain", c.stubDomain);
    visit("disks", c.disks);
    visit("nics", c.nics);
    visit("pciDevices", c.pciDevices);
    visit("usbControllers", c.usbControllers);
    visit("hostUsbDevices", c.hostUsbDevices);
}

template <class Info, class Visit>
void visitMembers(Info& i, Visit visit) requires std::is_same_v<std::remove_const_t<Info>, DomainInfo> {
    visit("domid", i.domid);
    visit("uuid", i.uuid);
    visit("name", i.name);
    visit("paused", i.paused);
    visit("shutdown", i.shutdown);
    visit("dying", i.dying);
    visit("reason", i.reason);
    visit("memoryKib", i.memoryKib);
    visit("maxMemoryKib", i.maxMemoryKib);
    visit("vcpus", i.vcpus);
    visit("cpuTimeNs", i.cpuTimeNs);
}

template <class Info, class Visit>
void visitMembers(Info& i, Visit visit) requires std::is_same_v<std::remove_const_t<Info>, HostInfo> {
    visit("totalMemoryKib", i.totalMemoryKib);
    visit("freeMemoryKib", i.freeMemoryKib);
    visit("cpus", i.cpus);
    visit("version", i.version);
    visit("capabilities", i.capabilities);
    visit("hvm", i.hvm);
    visit("directIo", i.directIo);
}

template <class Info, class Visit>
void visitMembers(Info& i, Visit visit) requires std::is_same_v<std::remove_const_t<Info>, MemoryTarget> {
    visit("targetKib", i.targetKib);
    visit("currentKib", i.currentKib);
    visit("maxKib", i.maxKib);
}

template <class Info, class Visit>
void visitMembers(Info& i, Visit visit) requires std::is_same_v<std::remove_const_t<Info>, VcpuInfo> {
    visit("number", i.number);
    visit("online", i.online);
    visit("blocked", i.blocked);
    visit("running", i.running);
    visit("cpu", i.cpu);
    visit("timeNs", i.timeNs);
    visit("hardAffinity", i.hardAffinity);
    visit("softAffinity", i.softAffinity);
}

template <class Info, class Visit>
void visitMembers(Info& i,
                  Visit visit) requires std::is_same_v<std::remove_const_t<Info>, SchedulerParameters> {
    visit("weight", i.weight);
    visit("cap", i.cap);
}

Json encode(const std::string& text, Allocator& allocator) {
    return jsonString(text, allocator);
}
Json encode(bool value, Allocator&) {
    return Json(value);
}
Json encode(std::uint64_t value, Allocator&) {
    return Json(value);
}
Json encode(std::uint32_t value, Allocator&) {
    return Json(value);
}
Json encode(std::int32_t value, Allocator&) {
    return Json(value);
}
Json encode(const std::pair<std::string, std::string>& pair, Allocator& allocator) {
    Json array(rapidjson::kArrayType);
    array.PushBack(encode(pair.first, allocator), allocator)
        .PushBack(encode(pair.second, allocator), allocator);
    return array;
}

template <class T>
Json encode(const std::vector<T>& list, Allocator& allocator);

template <class Enum>
Json encode(Enum value, Allocator&) requires std::is_enum_v<Enum> {
    return Json(static_cast<int>(value));
}

template <class Struct>
Json encode(const Struct& object, Allocator& allocator) requires std::is_class_v<Struct> {
    Json result(rapidjson::kObjectType);
    visitMembers(object, [&](const char* name, const auto& member) {
        result.AddMember(rapidjson::StringRef(name), encode(member, allocator), allocator);
    });
    return result;
}

template <class T>
Json encode(const std::vector<T>& list, Allocator& allocator) {
    Json array(rapidjson::kArrayType);
    for (const auto& each : list)
        array.PushBack(encode(each, allocator), allocator);
    return array;
}

[[noreturn]] void malformed(const char* what) {
    throw Error(errors::invalidArgs, std::string("control message: ") + what + " is missing or malformed");
}

// The parser takes the second half of a surrogate pair without the first.
void decode(const Json& from, const char* what, std::string& to) {
    if (!from.IsString())
        malformed(what);
    to.assign(from.GetString(), from.GetStringLength());
    if (!isBusText(to))
        malformed(what);
}

void decode(const Json& from, const char* what, bool& to) {
    if (!from.IsBool())
        malformed(what);
    to = from.GetBool();
}

template <class Integer>
void decode(const Json& from, const char* what, Integer& to) requires(std::is_integral_v<Integer>) {
    if constexpr (std::is_signed_v<Integer>) {
        if (!from.IsInt())
            malformed(what);
        to = from.GetInt();
    } else {
        if (!from.IsUint64() || from.GetUint64() > std::numeric_limits<Integer>::max())
            malformed(what);
        to = static_cast<Integer>(from.GetUint64());
    }
}

template <class Enum>
constexpr Enum lastOf();
template <>
constexpr DomainType lastOf() {
    return DomainType::hvm;
}
template <>
constexpr DiskBackend lastOf() {
    return DiskBackend::vhd;
}
template <>
constexpr ShutdownReason lastOf() {
    return ShutdownReason::softReset;
}

template <class Enum>
void decode(const Json& from, const char* what, Enum& to) requires(std::is_enum_v<Enum>) {
    if (!from.IsInt() || from.GetInt() < 0 || from.GetInt() > static_cast<int>(lastOf<Enum>()))
        malformed(what);
    to = static_cast<Enum>(from.GetInt());
}

void decode(const Json& from, const char* what, std::pair<std::string, std::string>& to) {
    if (!from.IsArray() || from.Size() != 2)
        malformed(what);
    decode(from[0], what, to.first);
    decode(from[1], what, to.second);
}

template <class T>
void decode(const Json& from, const char* what, std::vector<T>& to);

template <class Struct>
void decode(const Json& from, const char* what, Struct& to) requires(std::is_class_v<Struct>) {
    if (!from.IsObject())
        malformed(what);
    visitMembers(to, [&](const char* name, auto& member) {
        const auto found = from.FindMember(name);
        if (found == from.MemberEnd())
            malformed(name);
        decode(found->value, name, member);
    });
}

template <class T>
void decode(const Json& from, const char* what, std::vector<T>& to) {
    if (!from.IsArray())
        malformed(what);
    to.clear();
    for (const auto& each : from.GetArray())
        decode(each, what, to.emplace_back());
}

// Depth of nesting, strings skipped; the parser checks the rest.
int depthOf(const std::string& text) {
    int depth = 0;
    int deepest = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '\\')
            ++i;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            deepest = std::max(deepest, ++depth);
        else if (!quoted && (c == '}' || c == ']'))
            --depth;
    }
    return deepest;
}

} // namespace

std::string controlSocketPath(const std::string& directory) {
    return directory + "/control";
}
std::string xenstoreSocketPath(const std::string& directory) {
    return directory + "/xenstored/socket";
}

rapidjson::Document parseMessage(const std::string& text) {
    if (depthOf(text) > maxJsonDepth)
        throw Error(errors::limitsExceeded,
                    "control message: nested deeper than " + std::to_string(maxJsonDepth));
    rapidjson::Document document;
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    document.Parse<flags>(text.data(), text.size());
    if (document.HasParseError() || !document.IsObject())
        malformed("JSON");
    return document;
}

std::string toText(const Json& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value.Accept(writer);
    return std::string(buffer.GetString(), buffer.GetSize());
}

Json jsonString(const std::string& text, Allocator& allocator) {
    return Json(text.data(), static_cast<rapidjson::SizeType>(text.size()), allocator);
}

namespace {

template <class T>
T member(const Json& object, const char* name) {
    T value{};
    if (!object.IsObject())
        malformed(name);
    const auto found = object.FindMember(name);
    if (found == object.MemberEnd())
        malformed(name);
    decode(found->value, name, value);
    return value;
}

template <class T>
T whole(const Json& value, const char* what) {
    T result{};
    decode(value, what, result);
    return result;
}

} // namespace

std::string stringMember(const Json& object, const char* name) {
    return member<std::string>(object, name);
}
std::uint64_t numberMember(const Json& object, const char* name) {
    return member<std::uint64_t>(object, name);
}
DomId domidMember(const Json& object) {
    return member<DomId>(object, "domid");
}

bool flagMember(const Json& object, const char* name) {
    return member<bool>(object, name);
}
DiskConfig diskMember(const Json& object) {
    return member<DiskConfig>(object, "disk");
}
NicConfig nicMember(const Json& object) {
    return member<NicConfig>(object, "nic");
}

Json toJson(const DiskConfig& disk, Allocator& allocator) {
    return encode(disk, allocator);
}
Json toJson(const NicConfig& nic, Allocator& allocator) {
    return encode(nic, allocator);
}
std::optional<std::vector<unsigned>> numbersMember(const Json& object, const char* name) {
    if (!object.IsObject() || !object.HasMember(name))
        return std::nullopt;
    return member<std::vector<unsigned>>(object, name);
}

Json toJson(const MemoryTarget& target, Allocator& allocator) {
    return encode(target, allocator);
}
MemoryTarget memoryTargetFromJson(const Json& value) {
    return whole<MemoryTarget>(value, "memory target");
}
Json toJson(const std::vector<VcpuInfo>& vcpus, Allocator& allocator) {
    return encode(vcpus, allocator);
}
std::vector<VcpuInfo> vcpusFromJson(const Json& value) {
    return whole<std::vector<VcpuInfo>>(value, "virtual CPUs");
}
Json toJson(SchedulerParameters parameters, Allocator& allocator) {
    return encode(parameters, allocator);
}
SchedulerParameters schedulerFromJson(const Json& value) {
    return whole<SchedulerParameters>(value, "scheduler parameters");
}
Json toJson(const std::vector<unsigned>& numbers, Allocator& allocator) {
    return encode(numbers, allocator);
}
Json toJson(const DomainConfig& config, Allocator& allocator) {
    return encode(config, allocator);
}
Json toJson(const DomainInfo& info, Allocator& allocator) {
    return encode(info, allocator);
}
Json toJson(const HostInfo& info, Allocator& allocator) {
    return encode(info, allocator);
}
DomainConfig domainConfigFromJson(const Json& value) {
    return whole<DomainConfig>(value, "domain configuration");
}
DomainInfo domainInfoFromJson(const Json& value) {
    return whole<DomainInfo>(value, "domain information");
}
HostInfo hostInfoFromJson(const Json& value) {
    return whole<HostInfo>(value, "host information");
}

} // namespace xb::xen::emulated
