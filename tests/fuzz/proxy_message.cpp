// SPDX-License-Identifier: Apache-2.0
// Hostile: a D-Bus message from a guest or from the bus, as rpc-proxy reads it. What is accepted can be
// walked through, survives the other byte order, and is what was asked for after parts of it were rewritten.
// The body's length is also made to fit, so that the fuzzer need not find it.
#include "rpc-proxy/wire/body_check.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/copy_values.hpp"
#include "rpc-proxy/wire/rewrite.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::proxy::wire;

bool within(std::string_view part, std::string_view whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

bool reads(std::string_view message, MessageView& view) {
    const auto flaw = read(message, {}, view);
    return !flaw;
}

/// Copied values, or nothing where the reference's way to count depth has let an array more through than is
/// written.
std::optional<std::string> copied(std::string_view body, std::string_view signature, Endian from, Endian to) {
    try {
        BodyReader reader(body, signature, from);
        BodyWriter writer(signature, {}, to);
        copyValues(reader, writer);
        return writer.take();
    } catch (const Error& e) {
        expect(e.name() == errors::limitsExceeded,
               "what was checked can be written: " + std::string(e.what()));
        return std::nullopt;
    }
}

void checkBody(const MessageView& view) {
    for (BodyReader values(view); values.type() != '\0';)
        values.skip();
    if (const auto first = view.firstString())
        expect(within(*first, view.body), "the first string is in the body");
    const Endian other = view.endian == Endian::little ? Endian::big : Endian::little;
    const auto swapped = copied(view.body, view.signature, view.endian, other);
    if (!swapped)
        return;
    expect(!BodyCheck(*swapped, 0, other, "body").body(view.signature), "what is written is valid");
    expect(copied(*swapped, view.signature, other, view.endian) == view.body, "there and back is the same");
}

void checkRewrite(const MessageView& view) {
    Rewrite rewrite;
    rewrite.serial = 0x01020304;
    rewrite.destination = NameChange::set("org.example.Destination");
    rewrite.sender = NameChange::remove();
    Header wanted = static_cast<const Header&>(view); // all but where the parts are
    wanted.serial = 0x01020304;
    wanted.destination = rewrite.destination.name();
    wanted.sender.reset();
    if (view.replySerial)
        wanted.replySerial = rewrite.replySerial.emplace(7);
    const std::string changed = rewriteMessage(view, rewrite);
    MessageView after;
    expect(reads(changed, after), "a rewritten message is valid");
    expect(static_cast<const Header&>(after) == wanted && after.body == view.body,
           "it is what was asked for");

    if (view.firstString()) {
        try {
            rewrite.firstString = "other";
            const std::string other = rewriteMessage(view, rewrite);
            expect(reads(other, after) && after.firstString() == "other",
                   "the first string is what was asked for");
        } catch (const Error& e) {
            expect(e.name() == errors::limitsExceeded,
                   "what was checked can be written: " + std::string(e.what()));
        }
    }
    std::string inPlace(view.bytes);
    expect(reads(inPlace, after), "a copy is valid");
    setSerial(inPlace, after, 99);
    expect(reads(inPlace, after) && after.serial == 99, "a serial is set in place");
}

void checkBuilder(const MessageView& view) {
    std::string made;
    expect(!appendMessage(made, view, view.body), "what was read can be made");
    MessageView again;
    expect(reads(made, again), "what was made is valid");
    expect(static_cast<const Header&>(again) == static_cast<const Header&>(view) && again.body == view.body,
           "what was made is what was read");
}

void check(std::string_view input) {
    MessageView view;
    const auto flaw = read(input, {}, view);
    if (flaw) {
        expect(flaw->offset <= input.size() && !flaw->text().empty(), "a flaw is somewhere in the message");
        return;
    }
    expect(view.bytes == input && within(view.body, input), "the view is of the message");
    checkBody(view);
    checkRewrite(view);
    checkBuilder(view);
}

void run(std::string_view input) {
    check(input);
    Header header;
    Extent extent{};
    std::string fitting(input);
    if (fitting.size() >= prologueBytes)
        store(fitting.data() + bodyLengthAt, std::uint32_t{0}, static_cast<Endian>(fitting[0]));
    if (!readPrologue(fitting, maxMessageBytes, header, extent) && extent.body <= fitting.size()) {
        store(fitting.data() + bodyLengthAt, static_cast<std::uint32_t>(fitting.size() - extent.body),
              header.endian);
        check(fitting);
    }
}

const Target target("proxy_message", run);

} // namespace

} // namespace xb::fuzz
