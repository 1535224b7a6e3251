// SPDX-License-Identifier: Apache-2.0
// Hostile: a message on the emulator's control socket. It is refused, or what it describes is the same again
// after it was sent on.
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"
#include "xen/emulated/control_protocol.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::xen::emulated;

template <class Decode>
void checkDecoded(const Json& value, Decode decode) {
    rapidjson::Document document;
    std::string first;
    try {
        first = toText(toJson(decode(value), document.GetAllocator()));
    } catch (const Error&) {
        return;
    }
    try {
        const std::string second = toText(toJson(decode(parseMessage(first)), document.GetAllocator()));
        expect(first == second, "what was sent on is the same: " + first);
    } catch (const Error& e) {
        throw Broken(std::string("what was sent on is understood: ") + e.what());
    }
}

void run(std::string_view input) {
    try {
        const auto document = parseMessage(std::string(input));
        checkDecoded(document, domainConfigFromJson);
        checkDecoded(document, domainInfoFromJson);
        checkDecoded(document, hostInfoFromJson);
        checkDecoded(document, memoryTargetFromJson);
        checkDecoded(document, schedulerFromJson);
        static_cast<void>(numberMember(document, "id"));
        static_cast<void>(domidMember(document));
        expect(stringMember(document, "method").find('\0') == std::string::npos, "texts have no NUL");
    } catch (const Error& e) {
        expect(*e.what() != 0, "an error says why");
    }
}

const Target target("emulator_control", run);

} // namespace

} // namespace xb::fuzz
