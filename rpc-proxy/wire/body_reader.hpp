// SPDX-License-Identifier: Apache-2.0
// The arguments of a message that was read: a cursor over values, in the message's byte order. No allocation;
// what is returned lies in the message.
//
//     for (BodyReader args(message); args.type() != '\0';)
//         if (args.type() == 's') use(args.string()); else args.skip();
//
// To ask for another type than type() is a mistake of the program, and so is a body that was not checked:
// both throw std::logic_error, and nothing outside the body is ever read.
#pragma once

#include "rpc-proxy/wire/endian.hpp"
#include "rpc-proxy/wire/limits.hpp"
#include "rpc-proxy/wire/message_view.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace xb::proxy::wire {

class BodyReader {
public:
    explicit BodyReader(const MessageView& message)
        : BodyReader(message.body, message.signature, message.endian) {}
    /// `body` is checked to be of `signature`, and begins at a multiple of 8.
    BodyReader(std::string_view body, std::string_view signature, Endian endian);

    /// The first character of the next value's type (`a`, `(`, `{` and `v` are entered); NUL at the end of
    /// the container that is open, or of the body.
    char type() const;
    /// The complete type of the next value; empty at the end.
    std::string_view nextSignature() const;

    std::uint8_t byte() { return number<std::uint8_t>('y'); }
    bool boolean() { return number<std::uint32_t>('b') != 0; }
    std::int16_t int16() { return static_cast<std::int16_t>(number<std::uint16_t>('n')); }
    std::uint16_t uint16() { return number<std::uint16_t>('q'); }
    std::int32_t int32() { return static_cast<std::int32_t>(number<std::uint32_t>('i')); }
    std::uint32_t uint32() { return number<std::uint32_t>('u'); }
    std::int64_t int64() { return static_cast<std::int64_t>(number<std::uint64_t>('x')); }
    std::uint64_t uint64() { return number<std::uint64_t>('t'); }
    double float64();
    /// The number of a descriptor that came with the message; not checked against UNIX_FDS.
    std::uint32_t unixFd() { return number<std::uint32_t>('h'); }
    std::string_view string() { return text('s'); }
    std::string_view objectPath() { return text('o'); }
    std::string_view signature() { return text('g'); }
    /// A whole `ay`.
    std::string_view byteArray();

    /// Into the array, struct, dict entry or variant that is next.
    void enter();
    /// Out of the one that is open, past what was not read of it.
    void leave();
    /// Past the next value, whatever it is.
    void skip();

private:
    struct Frame {
        const char* types; // those of the container; an array has one
        std::uint8_t size;
        std::uint8_t at;
        bool array;
        std::size_t dataEnd; // of an array
    };

    template <std::unsigned_integral T>
    T number(char type);
    std::string_view text(char type);
    void expect(char type) const;
    std::size_t arrayLength();
    std::string_view take(std::size_t size);
    void align(std::size_t alignment);
    void push(std::string_view types, bool array, std::size_t dataEnd);
    void advance(std::size_t types);

    std::string_view body_;
    Endian endian_;
    std::size_t at_ = 0;
    std::size_t open_ = 0; // index of the last frame
    // The body itself, and one more than are counted: an array that has no element to count.
    std::array<Frame, maxValueDepth + 2> frames_;
};

} // namespace xb::proxy::wire
