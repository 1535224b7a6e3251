// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/body_reader.hpp"

#include "rpc-proxy/wire/signature.hpp"

#include <bit>
#include <stdexcept>

namespace xb::proxy::wire {

BodyReader::BodyReader(std::string_view body, std::string_view signature, Endian endian)
    : body_(body), endian_(endian) {
    if (signature.size() > maxSignatureBytes)
        throw std::logic_error("a signature that was not checked");
    frames_[0] = {signature.data(), static_cast<std::uint8_t>(signature.size()), 0, false, 0};
}

char BodyReader::type() const {
    const Frame& frame = frames_[open_];
    if (frame.array)
        return at_ < frame.dataEnd ? frame.types[0] : '\0';
    return frame.at < frame.size ? frame.types[frame.at] : '\0';
}

std::string_view BodyReader::nextSignature() const {
    if (type() == '\0')
        return {};
    const Frame& frame = frames_[open_];
    const std::string_view rest(frame.types + frame.at, std::size_t{frame.size} - frame.at);
    return frame.array ? rest : rest.substr(0, firstTypeEnd(rest));
}

void BodyReader::expect(char expected) const {
    if (type() != expected)
        throw std::logic_error("a value of another type was asked for");
}

void BodyReader::align(std::size_t alignment) {
    at_ = alignUp(at_, alignment);
}

std::string_view BodyReader::take(std::size_t size) {
    if (at_ > body_.size() || size > body_.size() - at_)
        throw std::logic_error("a body that was not checked");
    const std::string_view taken = body_.substr(at_, size);
    at_ += size;
    return taken;
}

// An array stays at its only type.
void BodyReader::advance(std::size_t types) {
    Frame& frame = frames_[open_];
    if (!frame.array)
        frame.at = static_cast<std::uint8_t>(frame.at + types);
}

template <std::unsigned_integral T>
T BodyReader::number(char expected) {
    expect(expected);
    align(sizeof(T));
    const T value = load<T>(take(sizeof(T)).data(), endian_);
    advance(1);
    return value;
}

template std::uint8_t BodyReader::number(char);
template std::uint16_t BodyReader::number(char);
template std::uint32_t BodyReader::number(char);
template std::uint64_t BodyReader::number(char);

double BodyReader::float64() {
    return std::bit_cast<double>(number<std::uint64_t>('d'));
}

std::string_view BodyReader::text(char expected) {
    expect(expected);
    std::size_t size = 0;
    if (expected == 'g') {
        size = static_cast<unsigned char>(take(1)[0]);
    } else {
        align(4);
        size = load<std::uint32_t>(take(4).data(), endian_);
    }
    const std::string_view value = take(size);
    take(1); // NUL
    advance(1);
    return value;
}

// Of the array that is next; afterwards its first element is.
std::size_t BodyReader::arrayLength() {
    const Frame& frame = frames_[open_];
    align(4);
    const std::size_t size = load<std::uint32_t>(take(4).data(), endian_);
    align(alignmentOf(frame.types[frame.at + 1]));
    return size;
}

std::string_view BodyReader::byteArray() {
    if (nextSignature() != "ay")
        throw std::logic_error("a value of another type was asked for");
    const std::string_view value = take(arrayLength());
    advance(2);
    return value;
}

void BodyReader::push(std::string_view types, bool array, std::size_t dataEnd) {
    if (open_ + 1 == frames_.size() || dataEnd > body_.size())
        throw std::logic_error("a body that was not checked");
    frames_[++open_] = {types.data(), static_cast<std::uint8_t>(types.size()), 0, array, dataEnd};
}

void BodyReader::enter() {
    const std::string_view whole = nextSignature();
    switch (type()) {
    case 'a': {
        const std::size_t size = arrayLength();
        advance(whole.size());
        push(whole.substr(1), true, at_ + size);
        break;
    }
    case '(':
    case '{':
        align(8);
        advance(whole.size());
        push(whole.substr(1, whole.size() - 2), false, 0);
        break;
    case 'v': {
        const std::size_t size = static_cast<unsigned char>(take(1)[0]);
        const std::string_view inner = take(size);
        take(1); // NUL
        advance(1);
        push(inner, false, 0);
        break;
    }
    default:
        throw std::logic_error("not a container");
    }
}

void BodyReader::leave() {
    if (open_ == 0)
        throw std::logic_error("no container is open");
    if (frames_[open_].array)
        at_ = frames_[open_].dataEnd;
    else
        while (type() != '\0')
            skip();
    --open_;
}

// At most as deep as the values are.
void BodyReader::skip() {
    const char next = type();
    if (const std::size_t size = fixedSize(next); size != 0) {
        align(size);
        take(size);
        advance(1);
    } else if (next == 's' || next == 'o' || next == 'g') {
        text(next);
    } else {
        enter();
        leave();
    }
}

} // namespace xb::proxy::wire
