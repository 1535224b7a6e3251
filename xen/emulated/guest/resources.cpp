// SPDX-License-Identifier: Apache-2.0
// The guest's balloon driver, CPU hot-plug and SysRq: what xenstore asks for is done by hypercall, and said
// on the console once it is so.
#include "xen/emulated/guest/guest.hpp"

#include <csignal>
#include <cstdlib>

namespace xb::xen::emulated {

void Guest::watchResources() {
    memoryKib_ = std::strtoull(store_->read("memory/target").value_or("0").c_str(), nullptr, 10);
    store_->watch("memory/target", "memory");
    store_->watch("cpu", "cpu");
    store_->watch("control/sysrq", "sysrq");
}

bool Guest::onResourceEvent(const std::string& token) {
    if (token == "memory")
        onMemoryTarget();
    else if (token == "cpu")
        onCpuAvailability();
    else if (token == "sysrq")
        onSysrq();
    else
        return false;
    return true;
}

// The answer comes as a word of the hypervisor.
void Guest::onMemoryTarget() {
    const auto target = store_->read("memory/target").value_or("");
    if (!target.empty())
        tellHypervisor("memory " + target);
}

void Guest::onMemoryGranted(std::uint64_t kib) {
    if (kib == memoryKib_)
        return;
    memoryKib_ = kib;
    print("balloon: " + std::to_string(kib) + " KiB of memory");
}

void Guest::onCpuAvailability() {
    bool changed = false;
    std::string online;
    for (const auto& name : store_->list("cpu")) {
        const bool wanted = store_->read("cpu/" + name + "/availability") != "offline";
        const bool now = !offlineCpus_.contains(name);
        if (wanted != now) {
            changed = true;
            tellHypervisor((wanted ? "vcpu-up " : "vcpu-down ") + name);
            if (wanted)
                offlineCpus_.erase(name);
            else
                offlineCpus_.insert(name);
        }
        if (wanted)
            online += (online.empty() ? "" : ",") + name;
    }
    if (changed)
        print("cpus online: " + online);
}

void Guest::onSysrq() {
    const auto key = store_->read("control/sysrq").value_or("");
    if (key.empty())
        return;
    store_->write("control/sysrq", "");
    if (key == "o") {
        print("sysrq: Power Off");
        stop(poweroff);
    } else if (key == "c") {
        print("sysrq: Trigger a crash");
        std::signal(SIGABRT, SIG_DFL);
        std::abort();
    } else {
        print("sysrq: HELP : crash(c) poweroff(o)");
    }
}

} // namespace xb::xen::emulated
