// SPDX-License-Identifier: Apache-2.0
// What a VM listens to in xenstore while it has a domain: the guest's clock, and the nodes that the
// configuration names; and to the log of its console.
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/utf8.hpp"
#include "toolstack/xenvm/text.hpp"
#include "toolstack/xenvm/vm.hpp"

#include <fmt/format.h>

#include <limits>

namespace xb::xenvm {

// A domain without these watches is better than none: failures are reported and no more.
Task<> Vm::watchNodes() {
    const auto self = shared_from_this();
    const Config& config = config_.current();
    // What the domain was built with is no news; what its guest set while nobody looked is.
    timeOffset_ = parseInteger(config.timeOffset.value_or("0")).value_or(0);

    struct Wanted {
        std::string path;
        NodeWatches::Handler handler;
    };
    std::vector<Wanted> wanted;
    std::weak_ptr<Vm> weak = weak_from_this();
    const std::string ofVm = "/vm/" + options_.uuid + "/";
    const std::string ofDomain = fmt::format("/local/domain/{}/", *domid_);
    wanted.push_back({ofVm + "rtc/timeoffset", [weak](const std::string& value) {
                          if (auto vm = weak.lock())
                              vm->onTimeOffset(value);
                      }});
    const auto want = [&](const std::string& base, const TextList& names) {
        for (const std::string& name : names)
            wanted.push_back({base + name, [weak, name](const std::string& value) {
                                  if (auto vm = weak.lock())
                                      vm->listener_.nodeChanged(name, value);
                              }});
    };
    want(ofVm, config.extraVmWatches);
    want(ofDomain, config.extraLocalWatches);

    const auto nodes = std::make_shared<NodeWatches>(executor_, hypervisor_.store());
    nodes_ = nodes;
    std::string failure;
    try {
        for (Wanted& each : wanted)
            co_await nodes->add(std::move(each.path), std::move(each.handler));
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty())
        report("not everything in xenstore is watched: " + failure);
}

void Vm::onTimeOffset(const std::string& text) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    const auto seconds = parseInteger(text);
    if (!seconds || *seconds < -most || *seconds > most) {
        log::warn("rtc/timeoffset of VM {} is \"{}\", which is not a number of seconds", options_.uuid,
                  printable(text, 64));
        return;
    }
    if (std::exchange(timeOffset_, *seconds) != *seconds)
        listener_.timeOffsetChanged(static_cast<std::int32_t>(*seconds));
}

// xenconsoled appends to it without end if it was told to log (--log=guest).
Task<> Vm::watchConsoleLog() {
    if (options_.consoleDirectory.empty())
        co_return;
    std::string failure;
    try {
        const auto info = co_await hypervisor_.domain(*domid_);
        const bool hasFile = info && !info->name.empty() && info->name.find('/') == std::string::npos;
        if (hasFile)
            consoleLog_ = LogWatch::open(executor_, fileWorkers(),
                                         options_.consoleDirectory / ("guest-" + info->name + ".log"),
                                         options_.consoleLimits);
    } catch (const std::exception& e) { // without the directory there is no log that could grow
        failure = e.what();
    }
    if (!failure.empty())
        log::info("the console's log is not looked after: {}", failure);
}

} // namespace xb::xenvm
