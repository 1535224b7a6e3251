// SPDX-License-Identifier: Apache-2.0
// Calls that mean harm: what a service has, by its introspection, and values that are of the right D-Bus type
// but of no sense. The same seed gives the same values.
#pragma once

#include "toolstack/libs/bus.hpp"

#include <random>
#include <string>
#include <vector>

namespace xb::test {

struct ServedMember {
    std::string path;
    std::string interface;
    std::string name;
    std::string signature; ///< of a method's arguments, or a property's type
    bool writable = false; ///< of a property
};

/// What a service says that it has, the standard interfaces left out.
struct Served {
    std::vector<std::string> paths;
    std::vector<ServedMember> methods;
    std::vector<ServedMember> properties;

    static Task<Served> ask(Bus& bus, std::string service, std::string from = "/");

private:
    std::vector<std::string> read(const std::string& path, const std::string& xml);
};

class Garbage {
public:
    /// `hints`: texts that mean something to the service under test.
    Garbage(std::uint32_t seed, std::vector<std::string> hints);

    /// Appends a value for every type of a signature.
    void append(Message& message, const std::string& signature);
    /// A signature other than this one.
    std::string otherThan(const std::string& signature);

private:
    std::size_t below(std::size_t limit);
    // `value`, or `otherwise` where the message would get too long with it.
    std::string bounded(std::string value, const char* otherwise);
    std::string text();
    std::string path();
    void appendAll(Message& message, const std::string& signature);
    void appendVariant(Message& message);
    void appendBasic(Message& message, char type);
    void appendOne(Message& message, std::string_view signature, std::size_t& at);

    std::mt19937 random_;
    std::vector<std::string> texts_;
    int depth_ = 0;
    int descriptors_ = 0;   // in the message so far
    std::size_t bytes_ = 0; // of texts, likewise
};

} // namespace xb::test
