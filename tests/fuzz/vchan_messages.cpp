// SPDX-License-Identifier: Apache-2.0
// Hostile: what a domain writes on a listener ring, and what a listener answers there. What was understood is
// the same again after it was sent on, whatever follows it, and is known only once all of it is there.
#include "tests/fuzz/fuzz.hpp"
#include "xen/vchan/messages.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::xen::vchan;

// What both kinds promise; `bytesOf` gives a message as it is sent.
template <class Message, class Parse, class ToBytes>
void check(std::string_view input, Parse parse, ToBytes bytesOf) {
    Message message;
    std::size_t used = 0;
    const auto parsed = parse(input, message, used);
    if (parsed != Parsed::message) {
        expect(used == 0, "nothing is used of what is no message");
        return;
    }
    expect(used >= headerSize && used <= headerSize + maxAnswerText && used <= input.size(),
           "a message is as long as it may be");
    expect(bytesOf(message) == input.substr(0, used), "what was sent on is the same");
    Message part;
    std::size_t partUsed = 0;
    for (std::size_t size = 0; size < used; ++size)
        expect(parse(input.substr(0, size), part, partUsed) == Parsed::incomplete,
               "a part of a message is incomplete, not garbage");
}

void run(std::string_view input) {
    check<Request>(input, parseRequest, [](const Request& request) { return toBytes(request); });
    check<Answer>(input, parseAnswer, [](const Answer& answer) { return toBytes(answer); });
    Answer answer;
    std::size_t used = 0;
    if (parseAnswer(input, answer, used) == Parsed::message && answer.status == Status::ring)
        expect(!answer.text.empty() && answer.text.size() <= maxRingPath,
               "libxenvchan can use the path of a ring");
}

const Target target("vchan_messages", run);

} // namespace

} // namespace xb::fuzz
