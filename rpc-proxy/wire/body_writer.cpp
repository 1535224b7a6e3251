// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/body_writer.hpp"

#include "rpc-proxy/wire/names.hpp"
#include "rpc-proxy/wire/signature.hpp"
#include "rpc-proxy/wire/utf8.hpp"
#include "toolstack/libs/error.hpp"

#include <bit>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace xb::proxy::wire {

namespace {

[[noreturn]] void tooLarge(const std::string& text) {
    throw Error(errors::limitsExceeded, text);
}

} // namespace

BodyWriter::BodyWriter(std::string_view signature, const Limits& limits, Endian endian)
    : limits_(limits), endian_(endian), types_(signature) {
    if (!isSignature(signature))
        throw Error(errors::invalidArgs, "the signature of the arguments is not valid");
    frames_.push_back({0, types_.size(), 0, '\0', 0, 0});
}

char BodyWriter::type() const {
    const Frame& frame = frames_.back();
    return frame.at < frame.typesEnd ? types_[frame.at] : '\0';
}

std::string_view BodyWriter::nextSignature() const {
    const Frame& frame = frames_.back();
    const std::string_view rest = std::string_view(types_).substr(frame.at, frame.typesEnd - frame.at);
    return rest.substr(0, firstTypeEnd(rest));
}

void BodyWriter::expect(char expected) const {
    if (type() != expected)
        throw std::logic_error("a value of another type was written");
}

void BodyWriter::advance(std::size_t types) {
    Frame& frame = frames_.back();
    if (frame.kind != 'a')
        frame.at += types;
}

void BodyWriter::room(std::size_t more) const {
    if (more > limits_.messageBytes || body_.size() + more > limits_.messageBytes)
        tooLarge(fmt::format("the arguments are larger than {} bytes, the limit for a message",
                             limits_.messageBytes));
}

void BodyWriter::append(std::string_view bytes) {
    room(bytes.size());
    body_ += bytes;
}

void BodyWriter::align(std::size_t alignment) {
    body_.append(alignUp(body_.size(), alignment) - body_.size(), '\0');
}

template <std::unsigned_integral T>
void BodyWriter::number(char expected, T value) {
    expect(expected);
    align(sizeof value);
    room(sizeof value);
    const std::size_t at = body_.size();
    body_.resize(at + sizeof value);
    store(body_.data() + at, value, endian_);
    advance(1);
}

template void BodyWriter::number(char, std::uint8_t);
template void BodyWriter::number(char, std::uint16_t);
template void BodyWriter::number(char, std::uint32_t);
template void BodyWriter::number(char, std::uint64_t);

void BodyWriter::float64(double value) {
    number('d', std::bit_cast<std::uint64_t>(value));
}

void BodyWriter::text(char expected, std::string_view value) {
    expect(expected);
    align(4);
    room(4 + value.size() + 1);
    const std::size_t at = body_.size();
    body_.resize(at + 4);
    store(body_.data() + at, static_cast<std::uint32_t>(value.size()), endian_);
    append(value);
    body_ += '\0';
    advance(1);
}

void BodyWriter::string(std::string_view value) {
    if (!isText(value))
        throw Error(errors::invalidArgs, "a string is not UTF-8 without NUL");
    text('s', value);
}

void BodyWriter::objectPath(std::string_view value) {
    if (!isObjectPath(value))
        throw Error(errors::invalidArgs, "a value of type o is not an object path");
    text('o', value);
}

// That of a value or of a variant.
void BodyWriter::appendSignature(std::string_view value) {
    room(1 + value.size() + 1);
    body_ += static_cast<char>(value.size());
    body_ += value;
    body_ += '\0';
    advance(1);
}

void BodyWriter::signature(std::string_view value) {
    expect('g');
    if (!isSignature(value))
        throw Error(errors::invalidArgs, "a value of type g is not a signature");
    appendSignature(value);
}

void BodyWriter::push(const Frame& frame) {
    if (frames_.size() > maxValueDepth)
        tooLarge(fmt::format("the arguments are nested deeper than {}", maxValueDepth));
    frames_.push_back(frame);
}

void BodyWriter::beginArray() {
    const std::string_view whole = nextSignature();
    const std::size_t element = frames_.back().at + 1;
    const std::size_t size = whole.size();
    align(4);
    const std::size_t lengthAt = body_.size();
    body_.append(4, '\0');
    align(alignmentOf(whole[1]));
    advance(size);
    push({element, element + size - 1, element, 'a', lengthAt, body_.size()});
}

void BodyWriter::enter() {
    const char next = type();
    if (next == 'a') {
        beginArray();
    } else if (next == '(' || next == '{') {
        const std::size_t begin = frames_.back().at + 1;
        const std::size_t size = nextSignature().size();
        align(8);
        advance(size);
        push({begin, begin + size - 2, begin, '(', 0, 0});
    } else {
        throw std::logic_error("not a container, or a variant that needs its type");
    }
}

void BodyWriter::enterVariant(std::string_view contained) {
    expect('v');
    if (!isSingleType(contained))
        throw Error(errors::invalidArgs, "the type of a variant is not one complete type");
    appendSignature(contained);
    const std::size_t begin = types_.size();
    types_ += contained;
    push({begin, types_.size(), begin, 'v', 0, 0});
}

void BodyWriter::leave() {
    const Frame frame = frames_.back();
    if (frame.kind == '\0' || (frame.kind != 'a' && frame.at != frame.typesEnd))
        throw std::logic_error("a container is not complete");
    if (frame.kind == 'a') {
        const std::size_t size = body_.size() - frame.dataBegin;
        if (size > maxArrayBytes)
            tooLarge(fmt::format("an array is larger than {} bytes", maxArrayBytes));
        store(body_.data() + frame.lengthAt, static_cast<std::uint32_t>(size), endian_);
    }
    if (frame.kind == 'v')
        types_.resize(frame.types);
    frames_.pop_back();
}

void BodyWriter::byteArray(std::string_view value) {
    if (nextSignature() != "ay")
        throw std::logic_error("a value of another type was written");
    enter();
    append(value);
    leave();
}

std::string BodyWriter::take() {
    if (frames_.size() != 1 || type() != '\0')
        throw std::logic_error("the arguments are not complete");
    return std::move(body_);
}

} // namespace xb::proxy::wire
