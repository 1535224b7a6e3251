// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/guest_state.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace xb::xen::emulated {

namespace {

[[noreturn]] void malformed(const std::string& what) {
    throw std::runtime_error("the state of an emulated guest is malformed: " + what);
}

std::uint64_t number(std::string_view text, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most)
        malformed("a number");
    return value;
}

// Up to the blank, which is taken off with it.
std::string_view takeWord(std::string_view& rest) {
    const auto blank = rest.find(' ');
    const auto word = rest.substr(0, blank);
    rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
    return word;
}

bool isText(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}

void readLine(GuestState& state, std::string_view line) {
    constexpr std::uint64_t any = UINT64_MAX / 2;
    std::string_view rest = line;
    const auto key = takeWord(rest);
    if (!isText(rest))
        malformed("control characters");
    if (key == "type") {
        if (rest != "pv" && rest != "pvh" && rest != "hvm")
            malformed("type");
        state.type = rest;
    } else if (key == "boot") {
        if (!isVariableName(rest))
            malformed("boot");
        state.boot = rest;
    } else if (key == "uptime-ms") {
        state.uptimeMs = number(rest, any);
    } else if (key == "suspends") {
        state.suspends = number(rest, any);
    } else if (key == "acpi") {
        state.acpiState = static_cast<int>(number(rest, 5));
    } else if (key == "command-line") {
        if (rest.size() > maxGuestCommandLine)
            malformed("command-line");
        state.commandLine = rest;
    } else if (key == "stop-in-ms") {
        const auto time = number(takeWord(rest), any);
        state.stopIn = {time, static_cast<int>(number(rest, 5))};
    } else if (key == "variable") {
        const auto name = takeWord(rest);
        if (!isVariableName(name) || rest.size() > maxVariableValue ||
            state.variables.size() >= maxGuestVariables)
            malformed("variable");
        state.variables[std::string(name)] = rest;
    } else {
        malformed("an unknown line");
    }
}

} // namespace

bool isVariableName(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '.' || c == '_';
    };
    return !name.empty() && name.size() <= maxVariableName && std::all_of(name.begin(), name.end(), allowed);
}

std::string toText(const GuestState& state) {
    std::string text = "type " + state.type + "\nboot " + state.boot + "\nuptime-ms " +
                       std::to_string(state.uptimeMs) + "\nsuspends " + std::to_string(state.suspends) +
                       "\nacpi " + std::to_string(state.acpiState) + "\ncommand-line " + state.commandLine +
                       "\n";
    if (state.stopIn)
        text += "stop-in-ms " + std::to_string(state.stopIn->first) + " " +
                std::to_string(state.stopIn->second) + "\n";
    for (const auto& [name, value] : state.variables)
        text += "variable " + name + " " + value + "\n";
    return text;
}

GuestState parseGuestState(std::string_view text) {
    if (text.size() > maxGuestState)
        malformed("it is too long");
    GuestState state;
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos)
            malformed("its last line has no end");
        readLine(state, text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    if (state.type.empty() || state.boot.empty())
        malformed("type or boot is missing");
    return state;
}

} // namespace xb::xen::emulated
