// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/guest/guest.hpp"

#include "xen/emulated/guest/block_frontend.hpp"
#include "xen/emulated/guest/net_frontend.hpp"
#include "xen/emulated/shared_layout.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <random>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xb::xen::emulated {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t longestLine = 4096;

std::string fileText(const char* what, const std::string& path) {
    if (path.empty())
        return "";
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return std::string(", ") + what + " " + path + " (cannot be read)";
    return std::string(", ") + what + " " + path + " (" + std::to_string(status.st_size) + " bytes, not run)";
}

std::string randomWord() {
    std::random_device source;
    char text[17];
    std::snprintf(text, sizeof text, "%08x%08x", source(), source());
    return text;
}

void applyTestWord(TestWords& words, const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (name == "ignore-shutdown")
        words.ignoreShutdown = true;
    else if (name == "hang")
        words.hang = true;
    else if (name == "no-pv")
        words.noPv = true;
    else if (name == "keep-devices")
        words.keepDevices = true;
    else if (const int reason = name == "poweroff" ? 0
                                : name == "reboot" ? 1
                                : name == "crash"  ? 3
                                                   : -1;
             reason >= 0 && equals != std::string::npos) {
        const auto time = std::chrono::duration<double>(std::strtod(word.c_str() + equals + 1, nullptr));
        words.stopAt = {Clock::now() + std::chrono::duration_cast<Clock::duration>(time), reason};
    } else
        throw std::invalid_argument("unknown word xbtest=" + word);
}

} // namespace

TestWords parseTestWords(const std::string& cmdline) {
    TestWords words;
    std::istringstream stream(cmdline);
    for (std::string option; stream >> option;) {
        constexpr std::string_view prefix = "xbtest=";
        if (!option.starts_with(prefix))
            continue;
        std::istringstream list(option.substr(prefix.size()));
        for (std::string word; std::getline(list, word, ',');)
            applyTestWord(words, word);
    }
    return words;
}

Guest::Guest(StartInfo info) : info_(std::move(info)) {}

int Guest::run() {
    waitForStart();
    if (savedState_.empty()) {
        print("xen-guest: emulated guest, no real kernel runs here");
        words_ = parseTestWords(info_.cmdline);
        boot_ = randomWord();
        booted_ = Clock::now();
    } else {
        resume(savedState_);
    }
    if (info_.type == "hvm" && words_.noPv)
        print("no PV driver: xenstore, disks and network are not used; the power button works");
    else
        connectToXenbus();
    if (words_.hang)
        print("hanging, as xbtest=hang asks for");
    else
        announceReady();
    serve();
    return *stopReason_;
}

void Guest::waitForStart() {
    std::string word(XB_LONGEST_HYPERCALL, '\0');
    const ssize_t size = ::recv(XB_HYPERCALL_FD, word.data(), word.size(), 0);
    word.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    constexpr std::string_view restore = "restore\n";
    if (word.starts_with(restore))
        savedState_ = word.substr(restore.size());
    else if (word != "start")
        std::exit(0); // the emulator went away, or destroyed us before we ran
}

void Guest::connectToXenbus() {
    store_ = std::make_unique<GuestStore>(info_.directory, info_.domid);
    context_ = std::make_unique<FrontendContext>(
        FrontendContext{*store_, info_.directory, info_.domid,
                        [this](const std::string& line) { print(line); }, words_.keepDevices});
    if (savedState_.empty())
        introduceSelf();
    if (const auto target = store_->read("target"))
        playStubDomain(*target);
    if (info_.type == "hvm")
        tellHypervisor("pv");
    if (words_.hang)
        return;
    for (const char* feature : {"poweroff", "reboot", "suspend"})
        store_->write(std::string("control/feature-") + feature, "1");
    store_->watch("control/shutdown", "shutdown");
    store_->watch("device", "devices");
    watchResources();
    handleStoreEvents();
}

void Guest::introduceSelf() {
    const auto value = [this](const char* path) { return store_->read(path).value_or("(nothing)"); };
    std::size_t online = 0;
    for (const auto& cpu : store_->list("cpu"))
        online += store_->read("cpu/" + cpu + "/availability") == "online" ? 1U : 0U;
    const long memory = numberIn(value("memory/target"));
    print("domain " + value("domid") + " \"" + value("name") + "\", " + info_.type + ", " +
          std::to_string(memory / 1024) + " MiB, " + std::to_string(online) + " vCPUs" +
          fileText("kernel", info_.kernel) + fileText("ramdisk", info_.ramdisk));
    print("command line: " + info_.cmdline);
}

// What the init of a stub domain does, but for running the device model (docs/misc/stubdom.txt of Xen).
void Guest::playStubDomain(const std::string& target) {
    const auto vm = store_->read("/local/domain/" + target + "/vm").value_or("(nothing)");
    const std::string directory = vm + "/image/dm-argv";
    auto keys = store_->list(directory);
    std::sort(keys.begin(), keys.end());
    std::string arguments;
    for (const auto& key : keys)
        arguments += " " + store_->read(directory + "/" + key).value_or("(nothing)");
    print("stub domain of domain " + target + ", emulated: no device model runs; it would get" + arguments);
    if (!words_.hang)
        store_->write("device-model/" + target + "/state", "running");
}

void Guest::serve() {
    while (!stopReason_) {
        if (store_ && !words_.hang)
            handleStoreEvents();
        announceReady();
        if (!stopReason_)
            poll();
    }
}

// Waits for whatever comes next and handles it.
void Guest::poll() {
    std::vector<pollfd> entries{{XB_HYPERCALL_FD, POLLIN, 0}};
    if (!words_.hang) {
        entries.push_back({STDIN_FILENO, POLLIN, 0});
        entries.push_back({store_ ? store_->descriptor() : -1, POLLIN, 0});
        for (const auto& device : devices_)
            entries.push_back({dynamic_cast<NetFrontend*>(device.get()) ? device->channel() : -1, POLLIN, 0});
    }
    int timeout = -1;
    if (words_.stopAt) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(words_.stopAt->first - Clock::now()).count();
        timeout = static_cast<int>(std::clamp<long>(left, 0, INT_MAX));
    }
    const int count = ::poll(entries.data(), entries.size(), timeout);
    if (count < 0 && errno != EINTR)
        std::abort();
    if (words_.stopAt && Clock::now() >= words_.stopAt->first)
        stop(words_.stopAt->second);
    if (count <= 0)
        return;
    if (entries[0].revents != 0)
        onHypercall();
    if (entries.size() > 1 && entries[1].revents != 0)
        onConsole();
    for (std::size_t i = 3; i < entries.size(); ++i)
        if (entries[i].revents != 0)
            devices_[i - 3]->onReadable();
}

void Guest::handleStoreEvents() {
    for (;;) {
        const auto events = store_->takeEvents();
        if (events.empty())
            return;
        for (const auto& [path, token] : events)
            onStoreEvent(token);
    }
}

void Guest::onStoreEvent(const std::string& token) {
    if (token == "shutdown")
        return onShutdownRequest();
    if (token == "wakeup")
        return onWakeup();
    if (token == "devices")
        return scanDevices();
    if (onResourceEvent(token))
        return;
    for (const auto& device : devices_)
        if (device->token() == token)
            return device->update();
}

void Guest::scanDevices() {
    for (const std::string kind : {"vbd", "vif"}) {
        const auto present = store_->list("device/" + kind);
        std::erase_if(devices_, [&](const auto& device) {
            const std::string prefix = "device/" + kind + "/";
            if (!device->path().starts_with(prefix))
                return false;
            const bool gone = std::find(present.begin(), present.end(),
                                        device->path().substr(prefix.size())) == present.end();
            if (!gone && !device->replaced())
                return false;
            device->forget();
            return true;
        });
        for (const auto& devid : present) {
            const std::string path = "device/" + kind + "/" + devid;
            const auto known = [&](const auto& device) { return device->path() == path; };
            if (std::any_of(devices_.begin(), devices_.end(), known))
                continue;
            if (kind == "vbd")
                devices_.push_back(std::make_unique<BlockFrontend>(*context_, path));
            else
                devices_.push_back(std::make_unique<NetFrontend>(*context_, path));
        }
    }
}

void Guest::announceReady() {
    const bool settled =
        std::all_of(devices_.begin(), devices_.end(), [](const auto& device) { return device->settled(); });
    if (ready_ || words_.hang || !settled || stopReason_)
        return;
    ready_ = true;
    print(savedState_.empty() ? "xen-guest: ready, \"help\" tells the commands" : "xen-guest: resumed");
    put("> ");
}

void Guest::onShutdownRequest() {
    const auto request = store_->read("control/shutdown").value_or("");
    if (request.empty() || words_.ignoreShutdown)
        return;
    store_->write("control/shutdown", "");
    print("control/shutdown: " + request);
    if (request == "poweroff" || request == "halt")
        stop(poweroff);
    else if (request == "reboot")
        stop(reboot);
    else if (request == "suspend")
        suspendSelf();
    else if (request == "crash")
        stop(crash);
    else if (request == "s3" && info_.type == "hvm")
        setAcpiState(3);
    else if (request == "hibernate" && info_.type == "hvm") {
        setAcpiState(4);
        stop(poweroff);
    } else
        print("control/shutdown: unknown request");
}

void Guest::setAcpiState(int state) {
    acpiState_ = state;
    tellHypervisor("acpi " + std::to_string(state));
    print("ACPI state S" + std::to_string(state));
    if (state == 3)
        store_->watch("wakeup-req", "wakeup");
}

void Guest::onWakeup() {
    if (acpiState_ != 3 || store_->read("wakeup-req") != "1")
        return;
    store_->unwatch("wakeup-req", "wakeup");
    setAcpiState(0);
    print("awake again");
}

void Guest::onHypercall() {
    char word[64];
    const ssize_t size = ::recv(XB_HYPERCALL_FD, word, sizeof word, 0);
    if (size <= 0)
        std::exit(0);
    const std::string text(word, static_cast<std::size_t>(size));
    if (text.starts_with("memory "))
        onMemoryGranted(std::strtoull(text.c_str() + 7, nullptr, 10));
    if (text == "power-button" && !words_.hang && !words_.ignoreShutdown) {
        print("power button");
        stop(poweroff);
    }
}

void Guest::tellHypervisor(const std::string& word) {
    ::send(XB_HYPERCALL_FD, word.data(), word.size(), MSG_NOSIGNAL);
}

void Guest::put(const std::string& text) {
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t n = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (n < 0 && errno != EINTR)
            return; // no console any more
        rest.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
}

void Guest::print(const std::string& line) {
    put(line + "\r\n");
}

// A line discipline: echo, backspace, enter.
void Guest::onConsole() {
    char bytes[256];
    const ssize_t size = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (size <= 0)
        std::exit(0);
    for (const char c : std::string_view(bytes, static_cast<std::size_t>(size))) {
        if (c == '\r' || c == '\n') {
            put("\r\n");
            onLine(std::exchange(line_, {}));
            if (!stopReason_)
                put("> ");
        } else if ((c == '\b' || c == 127) && !line_.empty()) {
            line_.pop_back();
            put("\b \b");
        } else if (static_cast<unsigned char>(c) >= ' ' && c != 127 && line_.size() < longestLine) {
            line_ += c;
            put(std::string(1, c));
        }
    }
}

} // namespace xb::xen::emulated
