// SPDX-License-Identifier: Apache-2.0
// Hostile: texts about the host: firmware tables, /proc, the product's configuration files. Nothing is
// refused; what comes out can go on the bus.
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/utf8.hpp"
#include "xenmgr/host_facts.hpp"
#include "xenmgr/host_files.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::xenmgr;

void run(std::string_view input) {
    const std::string text = busText(input);
    expect(isBusText(text) && text.find('\n') == std::string::npos, "a fact is a line of text");
    expect(busText(text) == text, "a cleaned text is clean");
    for (const auto& [key, value] : parseKeyValues(input))
        expect(!key.empty() && isBusText(key) && isBusText(value), "keys and values are text");
    expect(isBusText(parseCpuModel(input)), "the processor's name is text");
    static_cast<void>(hasSafeGraphics(input));
    const auto hex = parseHex(input, 0xffff);
    expect(!hex || *hex <= 0xffff, "a number within its limit");
    const auto decimal = parseDecimal(input);
    expect(!decimal || parseDecimal(std::to_string(*decimal)) == decimal, "a number is a number");
    static_cast<void>(isPciAddress(input));
}

const Target target("xenmgr_host", run);

} // namespace

} // namespace xb::fuzz
