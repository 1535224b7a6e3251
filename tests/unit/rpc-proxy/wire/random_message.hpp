// SPDX-License-Identifier: Apache-2.0
// Valid messages of any shape, the same ones in every run.
#pragma once

#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

namespace xb::proxy::wire {

class RandomMessage {
public:
    explicit RandomMessage(unsigned seed) : random_(seed) {}

    /// Below `bound`.
    std::size_t below(std::size_t bound) {
        return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
    }

    /// At most `depth` containers within each other, and not longer than a signature may be.
    std::string type(std::size_t depth) {
        constexpr std::string_view basic = "ybnqiuxtdsogh";
        switch (depth == 0 ? 9 : below(10)) {
        case 0:
        case 1:
            return "a" + type(depth - 1);
        case 2: {
            std::string text = "(" + type(depth - 1);
            while (below(2) == 0)
                text += type(depth - 1);
            return text + ")";
        }
        case 3:
            return std::string("a{") + basic[below(basic.size())] + type(depth - 1) + "}";
        case 4:
            return "v";
        default:
            return std::string(1, basic[below(basic.size())]);
        }
    }
    std::string signature() {
        std::string text;
        for (std::size_t count = below(4); count > 0; --count)
            text += type(3);
        return text.size() > maxSignatureBytes ? "s" : text;
    }

    /// Whatever `to` expects, up to its end.
    void fill(BodyWriter& to, std::size_t variants = 4) {
        while (to.type() != '\0')
            value(to, variants);
    }

    std::string message(Endian endian) {
        const std::string types = signature();
        Header header;
        switch (below(5)) {
        case 0:
            header = signal(1, "/org/a", "a.b", "Changed");
            break;
        case 1:
            header.type = MessageType::methodReturn;
            header.replySerial = 3;
            break;
        case 2:
            header.type = MessageType::error;
            header.replySerial = 0xfffffffe;
            header.errorName = "org.freedesktop.DBus.Error.Failed";
            break;
        default:
            header = methodCall(9, "/", below(2) == 0 ? "org.example.I1" : "", "Do");
        }
        header.endian = endian;
        header.flags = static_cast<std::uint8_t>(below(8));
        header.serial = static_cast<std::uint32_t>(1 + below(0xffffffff));
        if (below(2) == 0)
            header.destination = below(2) == 0 ? ":1.42" : "com.example.a-b";
        if (below(2) == 0)
            header.sender = ":1.7";
        header.signature = types;
        BodyWriter body(types, {}, endian);
        fill(body);
        std::string out;
        if (const auto flaw = appendMessage(out, header, body.take()))
            throw std::logic_error(flaw->text());
        return out;
    }

private:
    std::uint64_t number() { return random_() | (std::uint64_t{random_()} << 32); }

    std::string text() {
        static constexpr std::string_view pieces[] = {
            "", "a", "\xc3\xa4", "\xe2\x82\xac", "long enough for a word of eight", "\x7f"};
        std::string out;
        for (std::size_t count = below(4); count > 0; --count)
            out += pieces[below(std::size(pieces))];
        return out;
    }

    void value(BodyWriter& to, std::size_t variants) {
        switch (to.type()) {
        case 'y':
            return to.byte(static_cast<std::uint8_t>(number()));
        case 'b':
            return to.boolean(below(2) == 0);
        case 'n':
            return to.int16(static_cast<std::int16_t>(number()));
        case 'q':
            return to.uint16(static_cast<std::uint16_t>(number()));
        case 'i':
            return to.int32(static_cast<std::int32_t>(number()));
        case 'u':
            return to.uint32(static_cast<std::uint32_t>(number()));
        case 'x':
            return to.int64(static_cast<std::int64_t>(number()));
        case 't':
            return to.uint64(number());
        case 'd':
            return to.float64(static_cast<double>(number()) / 3);
        case 'h':
            return to.unixFd(static_cast<std::uint32_t>(below(3)));
        case 's':
            return to.string(text());
        case 'o':
            return to.objectPath(below(2) == 0 ? "/" : "/a/b_1");
        case 'g':
            return to.signature(below(2) == 0 ? "" : "a{sv}");
        case 'v':
            to.enterVariant(variants == 0 ? "s" : type(2));
            fill(to, variants == 0 ? 0 : variants - 1);
            return to.leave();
        case 'a': {
            to.enter();
            for (std::size_t count = below(4); count > 0; --count)
                value(to, variants);
            return to.leave();
        }
        default:
            to.enter();
            fill(to, variants);
            return to.leave();
        }
    }

    std::mt19937 random_;
};

/// The message with something changed: bytes, numbers, lengths, or something cut out or put in.
inline std::string mutated(std::string message, RandomMessage& random) {
    constexpr std::string_view bytes("\0\1\2\xff/.:a(){}vsgu\x80", 17);
    for (std::size_t changes = 1 + random.below(3); changes > 0 && !message.empty(); --changes) {
        const std::size_t at = random.below(message.size());
        switch (random.below(6)) {
        case 0:
            message[at] = static_cast<char>(random.below(256));
            break;
        case 1:
            message[at] = bytes[random.below(bytes.size())];
            break;
        case 2:
            message[at] = static_cast<char>(message[at] + (random.below(2) == 0 ? 1 : -1));
            break;
        case 3:
            message.erase(at, 1 + random.below(8));
            break;
        case 4:
            message.insert(at, 1 + random.below(8), bytes[random.below(bytes.size())]);
            break;
        default:
            for (std::size_t i = at & ~std::size_t{3};
                 i < std::min(message.size(), (at & ~std::size_t{3}) + 4); ++i)
                message[i] = static_cast<char>(random.below(2) == 0 ? 0xff : 0);
        }
    }
    return message;
}

} // namespace xb::proxy::wire
