// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/body_check.hpp"

#include "rpc-proxy/wire/limits.hpp"
#include "rpc-proxy/wire/names.hpp"
#include "rpc-proxy/wire/utf8.hpp"

namespace xb::proxy::wire {

bool BodyCheck::fail(Fault fault, std::size_t offset) {
    flaw_ = Flaw{fault, part_, offset};
    return false;
}

bool BodyCheck::align(std::size_t alignment) {
    const std::size_t aligned = alignUp(at_, alignment);
    if (aligned > end_)
        return fail(Fault::truncated, end_);
    for (; at_ < aligned; ++at_)
        if (data_[at_] != 0)
            return fail(Fault::padding);
    return true;
}

bool BodyCheck::length(std::size_t& length) {
    if (!align(4))
        return false;
    if (end_ - at_ < 4)
        return fail(Fault::truncated, end_);
    length = load<std::uint32_t>(data_ + at_, endian_);
    at_ += 4;
    return true;
}

bool BodyCheck::fixed(char type, std::size_t size) {
    if (!align(size))
        return false;
    if (end_ - at_ < size)
        return fail(Fault::truncated, end_);
    return fixedElements(type, size, size);
}

bool BodyCheck::fixedElements(char type, std::size_t size, std::size_t length) {
    if (type == 'b') {
        for (std::size_t end = at_ + length; at_ < end; at_ += size)
            if (load<std::uint32_t>(data_ + at_, endian_) > 1)
                return fail(Fault::boolean);
        return true;
    }
    at_ += length;
    return true;
}

bool BodyCheck::text(char type) {
    std::size_t size = 0;
    if (!length(size))
        return false;
    if (size >= end_ - at_) // the NUL must fit too
        return fail(Fault::lengthOutside, at_ - 4);
    const std::string_view value(data_ + at_, size);
    if (type == 'o' ? !isObjectPath(value) : !isText(value))
        return fail(type == 'o' ? Fault::objectPath : Fault::utf8);
    at_ += size;
    if (data_[at_] != 0)
        return fail(Fault::stringEnd);
    ++at_;
    return true;
}

// Only its bounds; what it says is for the caller.
bool BodyCheck::signatureValue(std::string_view& signature) {
    if (at_ == end_)
        return fail(Fault::truncated);
    const std::size_t size = static_cast<unsigned char>(data_[at_]);
    if (size + 1 >= end_ - at_)
        return fail(Fault::lengthOutside);
    signature = {data_ + at_ + 1, size};
    if (data_[at_ + 1 + size] != 0)
        return fail(Fault::stringEnd, at_ + 1 + size);
    at_ += size + 2;
    return true;
}

bool BodyCheck::push(const Frame& frame) {
    if (outside_ + open_ > maxValueDepth)
        return fail(Fault::tooDeep);
    frames_[open_++] = frame;
    return true;
}

bool BodyCheck::beginArray(Frame& parent) {
    const SignatureMap& map = *parent.map;
    const std::size_t element = parent.type + std::size_t{1};
    const auto elementEnd = static_cast<std::uint8_t>(map.endOf(parent.type));
    const char type = map[element];
    parent.type = elementEnd;
    std::size_t size = 0;
    if (!length(size))
        return false;
    const std::size_t lengthAt = at_ - 4;
    // The padding before the first element is there even without one, and is not counted.
    if (!align(alignmentOf(type)))
        return false;
    if (size > maxArrayBytes)
        return fail(Fault::arrayTooLong, lengthAt);
    if (size > end_ - at_)
        return fail(Fault::lengthOutside, lengthAt);
    if (size == 0)
        return true;
    if (const std::size_t each = fixedSize(type); each != 0)
        return size % each == 0 ? fixedElements(type, each, size) : fail(Fault::arrayLength, lengthAt);
    const auto begin = static_cast<std::uint8_t>(element);
    return push({&map, begin, elementEnd, true, begin, at_ + size});
}

bool BodyCheck::beginVariant() {
    const std::size_t signatureAt = at_;
    std::string_view signature;
    if (!signatureValue(signature))
        return false;
    if (outside_ + open_ > maxValueDepth)
        return fail(Fault::tooDeep, signatureAt);
    SignatureMap& map = maps_[signatures_];
    if (!map.read(signature))
        return fail(Fault::signature, signatureAt);
    if (signature.empty() || map.endOf(0) != signature.size())
        return fail(Fault::variantSignature, signatureAt);
    if (signature.size() == 1 && signature[0] != 'v')
        return value(signature[0]);
    ++signatures_;
    return push({&map, 0, static_cast<std::uint8_t>(map.size()), false, 0, 0});
}

// A value that is no container.
bool BodyCheck::value(char type) {
    if (const std::size_t size = fixedSize(type); size != 0)
        return fixed(type, size);
    if (type != 'g')
        return text(type);
    const std::size_t signatureAt = at_;
    std::string_view signature;
    if (!signatureValue(signature))
        return false;
    return isSignature(signature) || fail(Fault::signature, signatureAt);
}

bool BodyCheck::walk(std::size_t depth) {
    // Frame 0 holds the values that `depth` containers are around; containers below add their frames.
    outside_ = depth;
    while (open_ != 0) {
        Frame& frame = frames_[open_ - 1];
        if (frame.type == frame.typesEnd) {
            if (frame.array && at_ < frame.dataEnd) {
                frame.type = frame.element;
            } else if (frame.array && at_ != frame.dataEnd) {
                return fail(Fault::arrayLength, frame.dataEnd);
            } else {
                // A map is used by the variant that brought it, and by what is in there.
                --open_;
                if (open_ != 0 && frames_[open_ - 1].map != frame.map)
                    --signatures_;
                continue;
            }
        }
        const char type = (*frame.map)[frame.type];
        switch (type) {
        case 'a':
            if (!beginArray(frame))
                return false;
            break;
        case '(':
        case '{': {
            const auto begin = static_cast<std::uint8_t>(frame.type + 1);
            const auto end = static_cast<std::uint8_t>(frame.map->endOf(frame.type));
            frame.type = end;
            if (!align(8) || !push({frame.map, begin, static_cast<std::uint8_t>(end - 1), false, 0, 0}))
                return false;
            break;
        }
        case 'v':
            ++frame.type;
            if (!beginVariant())
                return false;
            break;
        default:
            ++frame.type;
            if (!value(type))
                return false;
        }
    }
    return true;
}

std::optional<Flaw> BodyCheck::body(std::string_view signature) {
    if (!maps_[0].read(signature)) {
        fail(Fault::signature);
        return flaw_;
    }
    signatures_ = 1;
    frames_[0] = {&maps_[0], 0, static_cast<std::uint8_t>(signature.size()), false, 0, 0};
    open_ = 1;
    if (walk(0) && at_ != end_)
        fail(Fault::trailingBytes);
    return flaw_;
}

std::optional<Flaw> BodyCheck::variant(std::size_t depth) {
    static constexpr std::string_view one = "v";
    maps_[0].read(one);
    signatures_ = 1;
    frames_[0] = {&maps_[0], 0, 1, false, 0, 0};
    open_ = 1;
    walk(depth);
    return flaw_;
}

} // namespace xb::proxy::wire
