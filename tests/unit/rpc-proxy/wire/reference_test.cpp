// SPDX-License-Identifier: Apache-2.0
// libdbus, the reference implementation, reads the same messages: valid ones, mutated ones and their
// beginnings, in both byte orders. It takes and refuses what we take and refuse, and sees the same in what
// both take. It differs where we mean to:
//  - it cannot be given descriptors here, and so refuses what announces some;
//  - it takes unique names without a dot (":1"), which the specification does not have and no bus gives;
//  - it counts only arrays that directly contain each other, so that with structs or dict entries in between
//  a
//    signature may have more than the 32 of the specification;
//  - it knows header field 10, an extension that the specification does not have: for us an unknown one.
#include "tests/unit/rpc-proxy/wire/random_message.hpp"
#include "tests/unit/rpc-proxy/wire/raw_message.hpp"

#include "rpc-proxy/wire/body_reader.hpp"
#include "rpc-proxy/wire/framer.hpp"
#include "rpc-proxy/wire/names.hpp"
#include "rpc-proxy/wire/signature.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <memory>

#include <dbus/dbus.h>

namespace xb::proxy::wire {
namespace {

struct Unref {
    void operator()(DBusMessage* message) const { dbus_message_unref(message); }
};
using Reference = std::unique_ptr<DBusMessage, Unref>;

struct ReferenceVerdict {
    Reference message;
    std::string error;
};

ReferenceVerdict askReference(const std::string& bytes) {
    DBusError error = DBUS_ERROR_INIT;
    ReferenceVerdict verdict;
    verdict.message.reset(dbus_message_demarshal(bytes.data(), static_cast<int>(bytes.size()), &error));
    if (dbus_error_is_set(&error) != 0)
        verdict.error = error.message;
    dbus_error_free(&error);
    return verdict;
}

std::optional<std::string_view> optional(const char* text) {
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
}

void expectSameHeader(DBusMessage* reference, const MessageView& view) {
    EXPECT_EQ(dbus_message_get_type(reference), static_cast<int>(view.type));
    EXPECT_EQ(dbus_message_get_serial(reference), view.serial);
    EXPECT_EQ(dbus_message_get_reply_serial(reference), view.replySerial.value_or(0));
    EXPECT_EQ(optional(dbus_message_get_path(reference)), view.path);
    EXPECT_EQ(optional(dbus_message_get_interface(reference)), view.interface);
    EXPECT_EQ(optional(dbus_message_get_member(reference)), view.member);
    EXPECT_EQ(optional(dbus_message_get_error_name(reference)), view.errorName);
    EXPECT_EQ(optional(dbus_message_get_destination(reference)), view.destination);
    EXPECT_EQ(optional(dbus_message_get_sender(reference)), view.sender);
    EXPECT_EQ(dbus_message_get_signature(reference), view.signature);
    EXPECT_EQ(dbus_message_get_no_reply(reference) != 0, (view.flags & noReplyExpected) != 0);
    EXPECT_EQ(dbus_message_get_auto_start(reference) == 0, (view.flags & noAutoStart) != 0);
}

template <typename T>
T basic(DBusMessageIter& at) {
    T value;
    dbus_message_iter_get_basic(&at, &value);
    return value;
}

template <typename T, typename U>
void expectEqual(const T& theirs, const U& ours) {
    EXPECT_EQ(theirs, ours);
}

void expectSameValue(DBusMessageIter& at, BodyReader& values) {
    switch (values.type()) {
    case 'y':
        return expectEqual(basic<unsigned char>(at), values.byte());
    case 'b':
        return expectEqual(basic<dbus_bool_t>(at) != 0, values.boolean());
    case 'n':
        return expectEqual(basic<dbus_int16_t>(at), values.int16());
    case 'q':
        return expectEqual(basic<dbus_uint16_t>(at), values.uint16());
    case 'i':
        return expectEqual(basic<dbus_int32_t>(at), values.int32());
    case 'u':
        return expectEqual(basic<dbus_uint32_t>(at), values.uint32());
    case 'x':
        return expectEqual(basic<dbus_int64_t>(at), values.int64());
    case 't':
        return expectEqual(basic<dbus_uint64_t>(at), values.uint64());
    case 'd': {
        // Bit by bit: not-a-number differs from itself.
        const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
        return expectEqual(bits(basic<double>(at)), bits(values.float64()));
    }
    case 's':
        return expectEqual(basic<const char*>(at), values.string());
    case 'o':
        return expectEqual(basic<const char*>(at), values.objectPath());
    case 'g':
        return expectEqual(basic<const char*>(at), values.signature());
    case 'h': // libdbus would duplicate the descriptor, and has none
        values.skip();
        return;
    default: {
        DBusMessageIter inner;
        dbus_message_iter_recurse(&at, &inner);
        values.enter();
        for (; dbus_message_iter_get_arg_type(&inner) != DBUS_TYPE_INVALID; dbus_message_iter_next(&inner)) {
            ASSERT_NE(values.type(), '\0');
            expectSameValue(inner, values);
        }
        EXPECT_EQ(values.type(), '\0');
        values.leave();
    }
    }
}

void expectSameBody(DBusMessage* reference, const MessageView& view) {
    BodyReader values(view);
    DBusMessageIter at;
    if (dbus_message_iter_init(reference, &at) != 0)
        for (; dbus_message_iter_get_arg_type(&at) != DBUS_TYPE_INVALID; dbus_message_iter_next(&at)) {
            ASSERT_NE(values.type(), '\0');
            expectSameValue(at, values);
        }
    EXPECT_EQ(values.type(), '\0');
}

// The header says where a field's text is; ours and theirs may have stopped at different things.
bool dotlessUniqueName(std::string_view bytes, const Flaw& flaw) {
    if (flaw.fault != Fault::name || (flaw.part != "DESTINATION" && flaw.part != "SENDER"))
        return false;
    const std::string_view name = bytes.substr(flaw.offset, bytes.substr(flaw.offset).find('\0'));
    return name.starts_with(':') && isUniqueName(std::string(name) + ".x");
}

// It reads the first message and leaves what follows.
bool followedByMore(const std::string& bytes, const Flaw& flaw) {
    return flaw.fault == Fault::trailingBytes &&
           static_cast<int>(flaw.offset) ==
               dbus_message_demarshal_bytes_needed(bytes.data(), static_cast<int>(bytes.size()));
}

enum class Outcome { bothTake, bothRefuse, differ };

/// Both on one message; a difference that is not meant fails the test.
Outcome compare(const std::string& bytes) {
    const ReferenceVerdict reference = askReference(bytes);
    MessageView view;
    const auto flaw = read(bytes, {}, view);
    if (flaw && !reference.message)
        return Outcome::bothRefuse;
    if (!flaw && reference.message) {
        expectSameHeader(reference.message.get(), view);
        expectSameBody(reference.message.get(), view);
        return Outcome::bothTake;
    }
    if (flaw)
        EXPECT_TRUE(dotlessUniqueName(bytes, *flaw) || followedByMore(bytes, *flaw))
            << "we alone: " << flaw->text();
    else {
        bool extension = false;
        for (FieldCursor fields(view); fields.next();)
            extension = extension || fields.code() == 10;
        EXPECT_TRUE(view.unixFds != 0 || extension) << "they alone: " << reference.error;
    }
    return Outcome::differ;
}

class WireReference : public testing::TestWithParam<Endian> {};
INSTANTIATE_TEST_SUITE_P(Order, WireReference, testing::Values(Endian::little, Endian::big),
                         [](const auto& order) { return order.param == Endian::little ? "Little" : "Big"; });

TEST_P(WireReference, ValidMessages) {
    RandomMessage random(1);
    for (int i = 0; i < 2000 && !HasFailure(); ++i)
        EXPECT_EQ(compare(random.message(GetParam())), Outcome::bothTake) << i;
}

TEST_P(WireReference, EveryBeginning) {
    RandomMessage random(2);
    for (int i = 0; i < 60 && !HasFailure(); ++i) {
        const std::string message = random.message(GetParam());
        for (std::size_t size = 0; size < message.size(); ++size)
            EXPECT_EQ(compare(message.substr(0, size)), Outcome::bothRefuse) << i << ": " << size;
    }
}

TEST_P(WireReference, MutatedMessages) {
    RandomMessage random(3);
    std::size_t taken = 0;
    std::size_t refused = 0;
    for (int i = 0; i < 40000 && !HasFailure(); ++i) {
        SCOPED_TRACE(i);
        const Outcome outcome = compare(mutated(random.message(GetParam()), random));
        taken += outcome == Outcome::bothTake ? 1 : 0;
        refused += outcome == Outcome::bothRefuse ? 1 : 0;
    }
    // Otherwise the mutations are too harmless or too wild to say anything.
    EXPECT_GT(taken, 2000U);
    EXPECT_GT(refused, 10000U);
}

// Only the body changes, and its signature: what is left of the message stays right.
TEST_P(WireReference, MutatedBodies) {
    RandomMessage random(4);
    std::size_t taken = 0;
    for (int i = 0; i < 40000 && !HasFailure(); ++i) {
        SCOPED_TRACE(i);
        const std::string message = random.message(GetParam());
        MessageView view;
        ASSERT_FALSE(read(message, {}, view));
        if (view.body.empty())
            continue;
        const std::string body = mutated(std::string(view.body), random);
        std::string changed = message.substr(0, message.size() - view.body.size()) + body;
        store(changed.data() + bodyLengthAt, static_cast<std::uint32_t>(body.size()), GetParam());
        taken += compare(changed) == Outcome::bothTake ? 1U : 0U;
    }
    EXPECT_GT(taken, 2000U);
}

TEST_P(WireReference, Signatures) {
    RandomMessage random(5);
    const auto same = [](const std::string& signature) {
        EXPECT_EQ(isSignature(signature), dbus_signature_validate(signature.c_str(), nullptr) != 0)
            << signature;
        EXPECT_EQ(isSingleType(signature), dbus_signature_validate_single(signature.c_str(), nullptr) != 0)
            << signature;
    };
    constexpr std::string_view letters = "aaa(){}{}ssvyuibgohxtdnq";
    for (int i = 0; i < 50000; ++i) {
        std::string signature = random.signature();
        same(signature);
        for (std::size_t changes = random.below(4); changes > 0 && !signature.empty(); --changes)
            signature[random.below(signature.size())] = letters[random.below(letters.size())];
        same(signature);
    }
}

TEST_P(WireReference, Names) {
    RandomMessage random(6);
    constexpr std::string_view letters = "ab.._-:/09 \x80";
    for (int i = 0; i < 50000; ++i) {
        std::string name;
        for (std::size_t count = random.below(8); count > 0; --count)
            name += letters[random.below(letters.size())];
        // Theirs need no dot in a unique name.
        if (!name.starts_with(':')) {
            EXPECT_EQ(isBusName(name), dbus_validate_bus_name(name.c_str(), nullptr) != 0) << name;
        }
        EXPECT_EQ(isInterface(name), dbus_validate_interface(name.c_str(), nullptr) != 0) << name;
        EXPECT_EQ(isErrorName(name), dbus_validate_error_name(name.c_str(), nullptr) != 0) << name;
        EXPECT_EQ(isMember(name), dbus_validate_member(name.c_str(), nullptr) != 0) << name;
        EXPECT_EQ(isObjectPath(name), dbus_validate_path(name.c_str(), nullptr) != 0) << name;
    }
}

/// A variant of nothing but zeros in `depth` variants, of type `innermost`; some sizes of it are valid.
std::string nested(std::size_t depth, std::string_view innermost) {
    std::string value;
    for (std::size_t i = 1; i < depth; ++i)
        value.append("\1v", 3);
    value += static_cast<char>(innermost.size());
    value += innermost;
    value.resize(alignUp(value.size() + 1, 8) + 16, '\0');
    return value;
}

constexpr std::string_view innermostTypes[] = {"y", "ay", "as", "(y)", "a{yv}", "v"};

// The depth at which both stop, for each kind of container.
TEST_P(WireReference, Depth) {
    std::size_t taken = 0;
    for (const std::string_view innermost : innermostTypes)
        for (std::size_t depth = 60; depth < 68; ++depth) {
            Header header = methodCall(1, "/", "", "M");
            header.endian = GetParam();
            header.signature = "v";
            const std::string body = nested(depth, innermost);
            for (std::size_t size = body.size() - 24; size <= body.size(); ++size) {
                std::string message;
                ASSERT_FALSE(appendMessage(message, header, std::string_view(body).substr(0, size)));
                SCOPED_TRACE(testing::Message() << innermost << " in " << depth << ", " << size << " bytes");
                taken += compare(message) == Outcome::bothTake ? 1U : 0U;
            }
        }
    EXPECT_GT(taken, 4 * std::size(innermostTypes) / 2);
}

// The same in a header field that nobody knows, whose variant is within an array and a struct.
TEST_P(WireReference, DepthOfUnknownFields) {
    std::size_t taken = 0;
    for (const std::string_view innermost : innermostTypes)
        for (std::size_t depth = 58; depth < 66; ++depth) {
            const std::string value = nested(depth, innermost);
            for (std::size_t size = value.size() - 24; size <= value.size(); ++size) {
                const std::string message =
                    rawCall(GetParam()).withBytes('\xc8' + value.substr(0, size)).str();
                SCOPED_TRACE(testing::Message() << innermost << " in " << depth << ", " << size << " bytes");
                taken += compare(message) == Outcome::bothTake ? 1U : 0U;
            }
        }
    EXPECT_GT(taken, 4 * std::size(innermostTypes) / 2);
}

// The differences that are meant, each seen.
TEST_P(WireReference, Differences) {
    EXPECT_EQ(compare(rawCall(GetParam()).with(Field::destination, ":1").str()), Outcome::differ);
    EXPECT_EQ(compare(rawCall(GetParam()).with(Field::unixFds, 1).str()), Outcome::differ);
    EXPECT_EQ(compare(rawCall(GetParam()).withBytes({"\12\1y\0x", 5}).str()), Outcome::differ);
    std::string arrays;
    for (int i = 0; i < 20; ++i)
        arrays += "a(a";
    arrays += "y" + std::string(20, ')');
    EXPECT_FALSE(isSignature(arrays));
    EXPECT_TRUE(dbus_signature_validate(arrays.c_str(), nullptr));
}

// What we make, the reference reads as it was meant, and what it makes we read.
TEST(WireReferenceMakes, Messages) {
    const Reference made(dbus_message_new_method_call("a.b", "/p", "i.f", "M"));
    dbus_message_set_serial(made.get(), 5);
    const char* text = "text";
    const dbus_uint32_t number = 7;
    ASSERT_TRUE(dbus_message_append_args(made.get(), DBUS_TYPE_STRING, &text, DBUS_TYPE_UINT32, &number,
                                         DBUS_TYPE_INVALID));
    char* bytes = nullptr;
    int size = 0;
    ASSERT_TRUE(dbus_message_marshal(made.get(), &bytes, &size));
    const std::unique_ptr<char, decltype(&dbus_free)> owner(bytes, dbus_free);
    MessageView view;
    ASSERT_FALSE(read(std::string_view(bytes, static_cast<std::size_t>(size)), {}, view));
    EXPECT_EQ(view.destination, "a.b");
    EXPECT_EQ(view.firstString(), "text");
    expectSameHeader(made.get(), view);
    expectSameBody(made.get(), view);
}

// The reference also says where a message ends.
TEST_P(WireReference, Lengths) {
    RandomMessage random(7);
    for (int i = 0; i < 2000; ++i) {
        const std::string message = random.message(GetParam());
        std::string stream =
            mutated(message.substr(0, prologueBytes), random) + message.substr(prologueBytes);
        const int needed =
            dbus_message_demarshal_bytes_needed(stream.data(), static_cast<int>(stream.size()));
        Header header;
        Extent extent{};
        const auto flaw = readPrologue(stream, maxMessageBytes, header, extent);
        if (!flaw) {
            EXPECT_EQ(needed, static_cast<int>(extent.end));
        }
    }
}

} // namespace
} // namespace xb::proxy::wire
