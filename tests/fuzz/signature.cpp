// SPDX-License-Identifier: Apache-2.0
// Hostile: a D-Bus type signature, from another program's introspection data or an interface file. xec's
// reader takes exactly what sd-bus takes; the generator's takes nothing more, and both agree on what it says.
#include "toolstack/introspection/signature.hpp"
#include "rpcgen/types.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/plain_message.hpp"
#include "toolstack/libs/error.hpp"

#include <stdexcept>

#include <systemd/sd-bus.h>

namespace xb::fuzz {

namespace {

bool xecTakes(std::string_view signature) {
    try {
        const introspection::Type type = introspection::parseType(signature);
        expect(type.text() == signature, "a type's text is its signature");
        return true;
    } catch (const Error&) {
        return false;
    }
}

bool rpcgenTakes(std::string_view signature) {
    try {
        return !rpcgen::cppTypeOf(signature).empty();
    } catch (const std::invalid_argument&) {
        return false;
    }
}

// sd-bus checks the contents of a variant to be one complete type; their length it checks elsewhere.
bool sdBusTakes(const std::string& signature) {
    Message message = plainMessage();
    return signature.size() <= introspection::signatureLimit &&
           sd_bus_message_open_container(message.raw(), 'v', signature.c_str()) >= 0;
}

void run(std::string_view input) {
    const bool taken = xecTakes(input);
    if (input.find('\0') == std::string_view::npos)
        expect(taken == sdBusTakes(std::string(input)), "xec takes what sd-bus takes: " + std::string(input));
    else
        expect(!taken, "no signature has a NUL");
    expect(taken || !rpcgenTakes(input), "the generator takes no more than that: " + std::string(input));
    try {
        std::string all;
        for (const introspection::Type& type : introspection::parseSignature(input))
            all += type.text();
        expect(all == input, "the types' texts are the signature");
    } catch (const Error&) {
        expect(!taken, "one type is a signature");
    }
}

const Target target("signature", run);

} // namespace

} // namespace xb::fuzz
