// SPDX-License-Identifier: Apache-2.0
#include "bootage/config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

namespace xb::bootage {

namespace {

using Words = std::vector<std::string>;

constexpr std::size_t anyNumber = maxWords;
constexpr std::size_t maxLogLimit = std::size_t{1} << 40;
constexpr unsigned maxRestarts = 1'000'000;

template <class Value>
using Choice = std::pair<std::string_view, Value>;

constexpr std::array restartChoices{Choice<Restart>{"always", Restart::always},
                                    Choice<Restart>{"on-failure", Restart::onFailure},
                                    Choice<Restart>{"never", Restart::never}};

constexpr std::array signalChoices{Choice<int>{"TERM", SIGTERM}, Choice<int>{"INT", SIGINT},
                                   Choice<int>{"QUIT", SIGQUIT}, Choice<int>{"HUP", SIGHUP},
                                   Choice<int>{"USR1", SIGUSR1}, Choice<int>{"USR2", SIGUSR2},
                                   Choice<int>{"KILL", SIGKILL}};

template <class Number>
std::optional<Number> numberOf(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

bool isServiceName(std::string_view name) {
    auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= maxNameLength && plain(name.front()) &&
           std::ranges::all_of(
               name, [&](char c) { return plain(c) || c == '_' || c == '-' || c == '.' || c == '@'; });
}

class Parser {
public:
    Parser(std::string file, const Variables& variables) : where_{file, 0}, variables_(variables) {
        config_.file = std::move(file);
    }

    Config parse(std::string_view text) {
        if (text.size() > maxConfigSize)
            fail("the file is larger than " + std::to_string(maxConfigSize) + " bytes");
        while (!text.empty()) {
            ++where_.line;
            const auto end = text.find('\n');
            parseLine(text.substr(0, end));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
        finishService();
        return std::move(config_);
    }

private:
    struct Directive {
        std::string_view name;
        std::size_t least; // arguments
        std::size_t most;
        bool repeatable;
        void (Parser::*apply)(const Words&);
        std::string_view usage;
    };
    static const std::array<Directive, 13> directives;

    [[noreturn]] void fail(const std::string& text) const { throw ConfigError(where_, text); }

    Service& current() { return config_.services.back(); }

    void parseLine(std::string_view line) {
        Words words = splitWords(line, variables_, where_);
        if (words.empty())
            return;
        const std::string name = std::move(words.front());
        words.erase(words.begin());
        for (std::string_view runLevel : {"script", "start", "block", "stop"})
            if (name == runLevel)
                fail("\"" + name + "\" is about run level scripts, which this version does not start");
        const auto* directive =
            std::ranges::find(directives, name == "depend" ? "dep" : name, &Directive::name);
        if (directive == directives.end())
            fail("unknown directive \"" + name + "\"");
        if (words.size() < directive->least || words.size() > directive->most)
            fail("usage: " + std::string(directive->usage));
        if (directive->apply != &Parser::service) {
            if (config_.services.empty())
                fail("\"" + name + "\" before the first service");
            if (!directive->repeatable && !seen_.insert(directive->name).second)
                fail("a second \"" + name + "\" for service " + current().name);
        }
        (this->*directive->apply)(words);
    }

    // What can only be said once the whole paragraph is known.
    void finishService() {
        if (config_.services.empty())
            return;
        const Service& service = current();
        const Location start{where_.file, service.line};
        if (service.command.empty())
            throw ConfigError(start, "service " + service.name + " has no exec line");
        if (service.readiness == Readiness::exit && service.restart == Restart::always)
            throw ConfigError(start, "service " + service.name +
                                         " is ready when it has exited: it cannot be restarted always");
    }

    void service(const Words& words) {
        finishService();
        seen_.clear();
        if (!isServiceName(words[0]))
            fail("\"" + words[0] +
                 "\" cannot be a service's name: letters, digits, and _ - . @ after the first, at most " +
                 std::to_string(maxNameLength));
        for (const auto& other : config_.services)
            if (other.name == words[0])
                fail("service " + words[0] + " is there already, in line " + std::to_string(other.line));
        if (config_.services.size() == maxServices)
            fail("more than " + std::to_string(maxServices) + " services");
        config_.services.emplace_back();
        current().name = words[0];
        current().line = where_.line;
    }

    void exec(const Words& words) {
        if (words[0].empty())
            fail("the program's name is empty");
        current().command = words;
    }

    void dep(const Words& words) {
        for (const auto& word : words)
            current().dependencies.push_back({word, where_.line});
    }

    void ready(const Words& words) {
        Service& it = current();
        const bool isSocket = words[0] == "socket";
        if (words.size() != (isSocket ? 2U : 1U))
            fail("usage: ready notify|socket PATH|exit|started");
        if (words[0] == "notify")
            it.readiness = Readiness::notify;
        else if (words[0] == "started")
            it.readiness = Readiness::started;
        else if (words[0] == "exit") {
            it.readiness = Readiness::exit;
            if (!seen_.contains("restart"))
                it.restart = Restart::never;
        } else if (isSocket) {
            if (!words[1].starts_with('/'))
                fail("the socket's path \"" + words[1] + "\" does not begin with /");
            if (words[1].size() > maxSocketPath)
                fail("the socket's path is longer than " + std::to_string(maxSocketPath) +
                     " bytes: " + words[1]);
            it.readiness = Readiness::socket;
            it.readySocket = words[1];
        } else
            fail("\"" + words[0] + "\" is no readiness: notify, socket PATH, exit or started");
    }

    Milliseconds seconds(const std::string& word) const {
        const auto number = numberOf<double>(word);
        const auto most = static_cast<double>(maxTime.count());
        // Written so that "nan" is refused too.
        if (!number || !(*number >= 0.001 && *number <= most))
            fail("\"" + word + "\" is not a number of seconds from 0.001 to " +
                 std::to_string(maxTime.count()));
        return Milliseconds(std::llround(*number * 1000));
    }

    template <class Value, std::size_t N>
    Value choose(std::string_view word, const std::array<Choice<Value>, N>& choices) const {
        std::string names;
        for (const auto& [name, value] : choices) {
            if (name == word)
                return value;
            names += (names.empty() ? "" : ", ") + std::string(name);
        }
        fail("\"" + std::string(word) + "\" is none of " + names);
    }

    void readyTimeout(const Words& words) { current().readyTimeout = seconds(words[0]); }
    void stopTimeout(const Words& words) { current().stopTimeout = seconds(words[0]); }
    void restart(const Words& words) { current().restart = choose(words[0], restartChoices); }

    void restartLimit(const Words& words) {
        const auto count = numberOf<unsigned>(words[0]);
        if (!count || *count > maxRestarts)
            fail("\"" + words[0] + "\" is not a number of restarts from 0 to " + std::to_string(maxRestarts));
        current().restartLimit = {*count, seconds(words[1])};
    }

    void stopSignal(const Words& words) {
        std::string_view name = words[0];
        if (name.starts_with("SIG"))
            name.remove_prefix(3);
        current().stopSignal = choose(name, signalChoices);
    }

    void env(const Words& words) {
        for (const auto& word : words) {
            const auto equals = word.find('=');
            if (equals == std::string::npos || !isVariableName(std::string_view(word).substr(0, equals)))
                fail("\"" + word + "\" is not NAME=VALUE");
            current().environment.emplace_back(word.substr(0, equals), word.substr(equals + 1));
        }
    }

    void log(const Words& words) {
        if (words[0].empty())
            fail("the log file's name is empty");
        current().log = words[0];
    }

    void logLimit(const Words& words) {
        const auto bytes = numberOf<std::size_t>(words[0]);
        if (!bytes || *bytes == 0 || *bytes > maxLogLimit)
            fail("\"" + words[0] + "\" is not a number of bytes from 1 to " + std::to_string(maxLogLimit));
        current().logLimit = *bytes;
    }

    void optional(const Words&) { current().optional = true; }

    Config config_;
    Location where_;
    const Variables& variables_;
    // Directives of the current service that may be given once.
    std::set<std::string_view> seen_;
};

const std::array<Parser::Directive, 13> Parser::directives{{
    {"service", 1, 1, true, &Parser::service, "service NAME"},
    {"exec", 1, anyNumber, false, &Parser::exec, "exec PROGRAM [ARGUMENT...]"},
    {"dep", 0, anyNumber, true, &Parser::dep, "dep [SERVICE...]"},
    {"ready", 1, 2, false, &Parser::ready, "ready notify|socket PATH|exit|started"},
    {"ready-timeout", 1, 1, false, &Parser::readyTimeout, "ready-timeout SECONDS"},
    {"restart", 1, 1, false, &Parser::restart, "restart always|on-failure|never"},
    {"restart-limit", 2, 2, false, &Parser::restartLimit, "restart-limit COUNT SECONDS"},
    {"stop-timeout", 1, 1, false, &Parser::stopTimeout, "stop-timeout SECONDS"},
    {"stop-signal", 1, 1, false, &Parser::stopSignal, "stop-signal TERM|INT|QUIT|HUP|USR1|USR2|KILL"},
    {"env", 1, anyNumber, true, &Parser::env, "env NAME=VALUE..."},
    {"log", 1, 1, false, &Parser::log, "log FILE"},
    {"log-limit", 1, 1, false, &Parser::logLimit, "log-limit BYTES"},
    {"optional", 0, 0, false, &Parser::optional, "optional"},
}};

} // namespace

Config parseConfig(std::string_view text, std::string file, const Variables& variables) {
    return Parser(std::move(file), variables).parse(text);
}

} // namespace xb::bootage
