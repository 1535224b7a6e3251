// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace xb::xec {

namespace {

constexpr std::chrono::milliseconds frameTime{125};
constexpr std::string_view frames = "|/-\\";
constexpr std::size_t longestText = 60; // keeps the line within 80 columns

bool isTerminal() {
    const char* term = std::getenv("TERM");
    return ::isatty(STDERR_FILENO) && term && std::string_view(term) != "dumb";
}

bool wantsColours() {
    const char* noColor = std::getenv("NO_COLOR");
    return !noColor || !*noColor;
}

std::string shown(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            c = '?';
    text.resize(std::min(text.size(), longestText));
    return text;
}

void write(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

} // namespace

Progress::Progress(Loop& loop, std::string what)
    : timer_(loop.executor()), what_(shown(std::move(what))), start_(std::chrono::steady_clock::now()),
      enabled_(isTerminal()), colours_(wantsColours()) {
    if (enabled_)
        tick();
}

Progress::~Progress() {
    if (enabled_)
        write("\r\033[K");
}

void Progress::show(std::string state) {
    state_ = shown(std::move(state));
    if (enabled_)
        draw();
}

void Progress::draw() {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_);
    const std::string state = colours_ && !state_.empty() ? "\033[1m" + state_ + "\033[0m" : state_;
    write(fmt::format("\r\033[K{} {} {} ({} s)", frames[frame_ % frames.size()], what_, state,
                      seconds.count()));
}

void Progress::tick() {
    draw();
    ++frame_;
    timer_.callAfter(frameTime, [this] { tick(); });
}

} // namespace xb::xec
