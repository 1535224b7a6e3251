// SPDX-License-Identifier: Apache-2.0
// Hostile: an Ethernet frame that a guest sends. It is nothing, or it is answered to its sender by a
// well-formed frame; addresses are the same after they were printed.
#include "tests/fuzz/fuzz.hpp"
#include "xen/emulated/packets.hpp"

#include <algorithm>

namespace xb::fuzz {

namespace {

using namespace xb::xen::emulated;

const Station station{{0x02, 0, 0, 0, 0, 1}, hostStationIp};

void checkAnswer(std::string_view frame, const std::string& answer) {
    expect(sourceOf(answer) == station.mac, "an answer comes from the station");
    expect(destinationOf(answer).has_value(), "an answer goes to somebody");
    expect(answer.size() <= std::max<std::size_t>(frame.size(), 60),
           "an answer is no longer than the question");
    expect(!answerTo(answer, station), "an answer is no question: two stations would never stop");
}

void run(std::string_view input) {
    expect(sourceOf(input).has_value() == destinationOf(input).has_value(),
           "a frame has both addresses or none");
    if (const auto answer = answerTo(input, station))
        checkAnswer(input, *answer);
    if (const auto mac = macFromArpReply(input, hostStationIp))
        expect(parseMac(toText(*mac)) == mac, "an address is the same after it was printed");
    static_cast<void>(isEchoReply(input, station, hostStationIp, 1, 1));
    if (const auto mac = parseMac(input))
        expect(parseMac(toText(*mac)) == mac, "an address is the same after it was printed");
    if (const auto ip = parseIp(input))
        expect(parseIp(ipToText(*ip)) == ip, "an IP address is the same after it was printed");
}

const Target target("emulator_packets", run);

} // namespace

} // namespace xb::fuzz
