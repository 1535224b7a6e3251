// SPDX-License-Identifier: Apache-2.0
// Makes the body of a message, of a signature that is known before: the counterpart of BodyReader.
//
//     BodyWriter args("sa{sv}");
//     args.string("x");
//     args.enter();                                   // the array
//     args.enter(); args.string("key"); args.enterVariant("u"); args.uint32(1); args.leave(); args.leave();
//     args.leave();
//     const std::string body = args.take();
//
// To write another type than type() is a mistake of the program and throws std::logic_error. A value that
// D-Bus cannot carry throws xb::Error (InvalidArgs, or LimitsExceeded); what was written until then is of no
// use.
#pragma once

#include "rpc-proxy/wire/endian.hpp"
#include "rpc-proxy/wire/limits.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xb::proxy::wire {

class BodyWriter {
public:
    /// Throws xb::Error (InvalidArgs) if `signature` is none.
    explicit BodyWriter(std::string_view signature, const Limits& limits = {}, Endian endian = ownEndian);

    /// The first character of the type that comes next; NUL where the container or the body may end. In an
    /// array it is always its element's.
    char type() const;
    /// Its complete type; empty at the end.
    std::string_view nextSignature() const;

    void byte(std::uint8_t value) { number('y', value); }
    void boolean(bool value) { number('b', std::uint32_t{value}); }
    void int16(std::int16_t value) { number('n', static_cast<std::uint16_t>(value)); }
    void uint16(std::uint16_t value) { number('q', value); }
    void int32(std::int32_t value) { number('i', static_cast<std::uint32_t>(value)); }
    void uint32(std::uint32_t value) { number('u', value); }
    void int64(std::int64_t value) { number('x', static_cast<std::uint64_t>(value)); }
    void uint64(std::uint64_t value) { number('t', value); }
    void float64(double value);
    void unixFd(std::uint32_t index) { number('h', index); }
    void string(std::string_view value);
    void objectPath(std::string_view value);
    void signature(std::string_view value);
    /// A whole `ay`.
    void byteArray(std::string_view value);

    /// Begins the array, struct or dict entry that is next.
    void enter();
    /// Begins the variant that is next, with one value of the complete type `contained`.
    void enterVariant(std::string_view contained);
    /// Ends the container that was begun last.
    void leave();

    /// The body, which must be complete. The writer is of no use afterwards.
    std::string take();

private:
    struct Frame {
        std::size_t types; // in types_
        std::size_t typesEnd;
        std::size_t at;
        char kind;             // 'a', '(', 'v', or NUL for the body
        std::size_t lengthAt;  // of an array
        std::size_t dataBegin; // of an array
    };

    template <std::unsigned_integral T>
    void number(char type, T value);
    void text(char type, std::string_view value);
    void expect(char type) const;
    void room(std::size_t more) const;
    void align(std::size_t alignment);
    void append(std::string_view bytes);
    void appendSignature(std::string_view value);
    void advance(std::size_t types);
    void push(const Frame& frame);
    void beginArray();

    Limits limits_;
    Endian endian_;
    std::string body_;
    std::string types_; // the signature, then those of the variants that are open
    std::vector<Frame> frames_;
};

} // namespace xb::proxy::wire
