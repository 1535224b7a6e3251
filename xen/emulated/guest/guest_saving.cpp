// SPDX-License-Identifier: Apache-2.0
// What makes an emulated guest survive: its state as text, standing still with it, and beginning with one.
#include "xen/emulated/guest/guest.hpp"
#include "xen/emulated/shared_layout.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <sys/socket.h>

namespace xb::xen::emulated {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

std::uint64_t Guest::uptimeMs() const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<milliseconds>(Clock::now() - booted_).count());
}

GuestState Guest::state() const {
    GuestState state;
    state.type = info_.type;
    state.boot = boot_;
    state.uptimeMs = uptimeMs();
    state.suspends = suspends_;
    state.acpiState = acpiState_;
    state.commandLine = info_.cmdline.substr(0, maxGuestCommandLine);
    std::replace_if(
        state.commandLine.begin(), state.commandLine.end(),
        [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, ' ');
    if (words_.stopAt) {
        const auto left = std::chrono::ceil<milliseconds>(words_.stopAt->first - Clock::now()).count();
        state.stopIn = {static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0)), words_.stopAt->second};
    }
    state.variables = variables_;
    return state;
}

// Its own kernel and command line are in its memory: what the new domain was given does not matter.
void Guest::resume(const std::string& text) {
    const auto saved = parseGuestState(text);
    info_.cmdline = saved.commandLine;
    words_ = parseTestWords(saved.commandLine);
    words_.stopAt.reset();
    if (saved.stopIn)
        words_.stopAt = {Clock::now() + milliseconds(std::min<std::uint64_t>(saved.stopIn->first, INT32_MAX)),
                         saved.stopIn->second};
    boot_ = saved.boot;
    booted_ = Clock::now() - milliseconds(std::min<std::uint64_t>(saved.uptimeMs, INT64_MAX / 1'000'000 / 2));
    suspends_ = saved.suspends + 1;
    variables_ = saved.variables;
    acpiState_ = saved.acpiState;
    if (acpiState_ != 0)
        tellHypervisor("acpi " + std::to_string(acpiState_));
}

// As the hypercall of a real kernel: it returns in the same domain only if the suspend was cancelled.
void Guest::suspendSelf() {
    const auto stoodStill = Clock::now();
    tellHypervisor("suspend\n" + toText(state()));
    std::string word;
    do {
        word.assign(64, '\0');
        const ssize_t size = ::recv(XB_HYPERCALL_FD, word.data(), word.size(), 0);
        if (size <= 0)
            std::exit(0);
        word.resize(static_cast<std::size_t>(size));
    } while (word != "resume");
    const auto stood = Clock::now() - stoodStill;
    booted_ += stood;
    if (words_.stopAt)
        words_.stopAt->first += stood;
    ++suspends_;
    print("xen-guest: the suspend was cancelled, going on");
    put("> ");
}

std::string Guest::setVariable(const std::string& arguments) {
    std::istringstream stream(arguments);
    std::string name;
    std::string value;
    stream >> name;
    std::getline(stream >> std::ws, value);
    if (!isVariableName(name) || value.size() > maxVariableValue)
        return "set: say set NAME VALUE; names have up to " + std::to_string(maxVariableName) +
               " letters, digits, dashes, dots and underscores, values up to " +
               std::to_string(maxVariableValue) + " characters";
    if (!variables_.contains(name) && variables_.size() >= maxGuestVariables)
        return "set: there are " + std::to_string(maxGuestVariables) + " variables already";
    variables_[name] = value;
    return name + " is set";
}

} // namespace xb::xen::emulated
