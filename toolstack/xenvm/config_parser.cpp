// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/config_parser.hpp"

#include "toolstack/xenvm/text.hpp"

#include <fmt/format.h>

namespace xb::xenvm {

namespace {

class Parser {
public:
    ParsedConfig run(std::string_view text) {
        if (text.size() > maxConfigBytes) {
            complain(fmt::format("the file has {} bytes; at most {} are read", text.size(), maxConfigBytes),
                     true);
            return std::move(result_);
        }
        while (!text.empty()) {
            const auto end = text.find('\n');
            ++line_;
            line(text.substr(0, end));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
        if (suppressed_ > 0)
            result_.errors.back().text += fmt::format(" (and {} more errors)", suppressed_);
        return std::move(result_);
    }

private:
    void line(std::string_view text) {
        text = trim(text);
        if (text.empty() || text.front() == '#')
            return;
        const auto equals = text.find('=');
        if (equals == std::string_view::npos)
            return;
        const std::string_view key = trim(text.substr(0, equals));
        const std::string_view value = trim(text.substr(equals + 1));
        const bool device = key == "disk" || key == "nic" || key == "vif" || key == "pci";
        if (!isPrintable(text)) {
            complain("control characters or text that is not UTF-8", device);
            return;
        }
        if (std::string error = setKey(result_.config, key, value); !error.empty())
            complain(std::move(error), device);
    }

    void complain(std::string text, bool device) {
        // A lost device must not hide behind a flood of other errors.
        if (result_.errors.size() >= maxConfigErrors) {
            ++suppressed_;
            result_.errors.back().device |= device;
            return;
        }
        result_.errors.push_back({line_, std::move(text), device});
    }

    ParsedConfig result_;
    int line_ = 0;
    std::size_t suppressed_ = 0;
};

} // namespace

const char* toString(Policy policy) {
    switch (policy) {
    case Policy::restart:
        return "restart";
    case Policy::destroy:
        return "destroy";
    case Policy::preserve:
        break;
    }
    return "preserve";
}

ParsedConfig parseConfig(std::string_view text) {
    return Parser().run(text);
}

std::string describe(const std::vector<ConfigError>& errors, const std::filesystem::path& file) {
    std::string all;
    for (const ConfigError& error : errors) {
        if (!all.empty())
            all += '\n';
        all += fmt::format("{}:{}: {}", file.string(), error.line, error.text);
    }
    return all;
}

} // namespace xb::xenvm
