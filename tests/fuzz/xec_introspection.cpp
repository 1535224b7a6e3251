// SPDX-License-Identifier: Apache-2.0
// Hostile: what an object on the bus says about itself to xec. It is refused with an error that says why, or
// it is within the limits and can be printed.
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/utf8.hpp"
#include "toolstack/xec/introspection_printer.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::xec;

void run(std::string_view input) {
    try {
        const Interfaces interfaces = parseIntrospection(input);
        for (const InterfaceDescription& interface : interfaces) {
            expect(!interface.name.empty() && isBusText(interface.name), "an interface has a printable name");
            for (const Method& method : interface.methods) {
                expect(interface.findMethod(method.name) != nullptr, "a method is found by its name");
                expect(method.inputs().size() <= method.arguments.size(), "inputs are arguments");
                expect(!method.timeout || method.timeout->count() > 0, "a time-out is a time");
            }
            for (const Property& property : interface.properties)
                expect(interface.findProperty(property.name) != nullptr, "a property is found by its name");
        }
        expect(interfaces.empty() == printIntrospection(interfaces).empty(), "what is there is printed");
    } catch (const Error& e) {
        expect(*e.what() != 0, "an error says why");
    }
}

const Target target("xec_introspection", run);

} // namespace

} // namespace xb::fuzz
