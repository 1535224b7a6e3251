// SPDX-License-Identifier: Apache-2.0
// Values of any type, checked against their signature: lengths, padding, text, nesting. Iterative, without
// allocation, and linear in the bytes: every element of every container has at least one.
#pragma once

#include "rpc-proxy/wire/endian.hpp"
#include "rpc-proxy/wire/flaw.hpp"
#include "rpc-proxy/wire/signature.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace xb::proxy::wire {

/// Checks one stretch of a message, from `begin` to the end of `message`, which alignment is counted from.
class BodyCheck {
public:
    BodyCheck(std::string_view message, std::size_t begin, Endian endian, std::string_view part)
        : data_(message.data()), at_(begin), end_(message.size()), endian_(endian), part_(part) {}

    /// The values of `signature`, and nothing behind them.
    std::optional<Flaw> body(std::string_view signature);
    /// One variant, which is within `depth` containers; at() is behind it then.
    std::optional<Flaw> variant(std::size_t depth);
    std::size_t at() const { return at_; }

private:
    // A container, or the body, whose types from `type` to `typesEnd` are still to come.
    struct Frame {
        const SignatureMap* map;
        std::uint8_t type;
        std::uint8_t typesEnd;
        bool array;
        std::uint8_t element; // of an array: where its type begins
        std::size_t dataEnd;  // of an array
    };

    bool walk(std::size_t depth);
    bool value(char type);
    bool text(char type);
    bool signatureValue(std::string_view& signature);
    bool fixed(char type, std::size_t size);
    bool beginArray(Frame& parent);
    bool beginVariant();
    bool fixedElements(char type, std::size_t size, std::size_t length);
    bool push(const Frame& frame);
    bool align(std::size_t alignment);
    bool length(std::size_t& length);
    bool fail(Fault fault, std::size_t offset);
    bool fail(Fault fault) { return fail(fault, at_); }

    const char* data_;
    std::size_t at_;
    std::size_t end_;
    Endian endian_;
    std::string_view part_;
    std::optional<Flaw> flaw_;

    // Not initialised: most messages use the first of each.
    std::array<Frame, maxValueDepth + 1> frames_;
    std::array<SignatureMap, maxValueDepth + 1> maps_;
    std::size_t open_ = 0;       // frames
    std::size_t signatures_ = 0; // signatures: the body's and those of the variants
    std::size_t outside_ = 0;    // containers around the first frame
};

} // namespace xb::proxy::wire
