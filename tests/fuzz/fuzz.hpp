// SPDX-License-Identifier: Apache-2.0
// What a fuzz target is made of. A target gives a parser hostile bytes; the parser may refuse them with the
// errors that it documents, and nothing else. Where more can be said of what it accepts, the target says it
// with expect().
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xb::fuzz {

/// The parser broke a promise. Not derived from what parsers throw, so that no handler of theirs takes it.
class Broken : public std::exception {
public:
    explicit Broken(std::string promise) : promise_("broken: " + std::move(promise)) {}
    const char* what() const noexcept override { return promise_.c_str(); }

private:
    std::string promise_;
};

/// Throws Broken unless `kept`.
inline void expect(bool kept, const std::string& promise) {
    if (!kept)
        throw Broken(promise);
}

/// One target; each file has a static one. Its corpus is corpus/NAME.
class Target {
public:
    using Function = void (*)(std::string_view input);
    Target(std::string targetName, Function function) : name(std::move(targetName)), run(function) {
        all().push_back(this);
    }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    std::string name;
    Function run;

    /// All targets of this program.
    static std::vector<const Target*>& all() {
        static std::vector<const Target*> targets;
        return targets;
    }
};

} // namespace xb::fuzz
