// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/message_view.hpp"

#include "rpc-proxy/wire/body_check.hpp"
#include "rpc-proxy/wire/names.hpp"

namespace xb::proxy::wire {

namespace {

// Containers around the variant of a header field: the array and the struct.
constexpr std::size_t fieldDepth = 2;
// Before the value of a known field: code, length of its signature, the type, NUL.
constexpr std::size_t fieldPrefix = 4;

// Reads the header fields of one message.
class FieldReader {
public:
    FieldReader(std::string_view bytes, MessageView& view) : bytes_(bytes), view_(view) {}

    std::optional<Flaw> all() {
        std::size_t at = prologueBytes;
        while (at < bytes_.size() && one(at)) {
        }
        return flaw_;
    }

private:
    bool fail(Fault fault, std::string_view part, std::size_t offset) {
        flaw_ = Flaw{fault, part, offset};
        return false;
    }

    bool one(std::size_t& at) {
        const std::size_t begin = alignUp(at, 8);
        if (begin >= bytes_.size())
            return fail(Fault::truncated, "header", bytes_.size());
        for (; at < begin; ++at)
            if (bytes_[at] != 0)
                return fail(Fault::padding, "header", at);
        const auto code = static_cast<std::uint8_t>(bytes_[begin]);
        if (code == 0)
            return fail(Fault::fieldCode, "header", begin);
        return code <= lastField ? knownField(static_cast<Field>(code), at) : unknownField(at);
    }

    bool unknownField(std::size_t& at) {
        BodyCheck check(bytes_, at + 1, view_.endian, "unknown header field");
        flaw_ = check.variant(fieldDepth);
        at = check.at();
        return !flaw_;
    }

    bool knownField(Field field, std::size_t& at) {
        const std::string_view part = nameOf(field);
        if (bytes_.size() - at < fieldPrefix)
            return fail(Fault::truncated, part, bytes_.size());
        const char type = typeOf(field);
        if (bytes_[at + 1] != 1 || bytes_[at + 2] != type || bytes_[at + 3] != 0)
            return fail(Fault::fieldType, part, at + 1);
        const auto bit = static_cast<std::uint16_t>(1U << static_cast<unsigned>(field));
        if ((seen_ & bit) != 0)
            return fail(Fault::fieldTwice, part, at);
        seen_ = static_cast<std::uint16_t>(seen_ | bit);
        at += fieldPrefix;
        return type == 'u' ? number(field, at) : text(field, type, at);
    }

    bool number(Field field, std::size_t& at) {
        if (bytes_.size() - at < 4)
            return fail(Fault::truncated, nameOf(field), bytes_.size());
        const auto value = load<std::uint32_t>(bytes_.data() + at, view_.endian);
        if (field == Field::unixFds) {
            view_.unixFds = value;
        } else if (value == 0) {
            return fail(Fault::serial, nameOf(field), at);
        } else {
            view_.replySerial = value;
            view_.replySerialAt = static_cast<std::uint32_t>(at);
        }
        at += 4;
        return true;
    }

    bool text(Field field, char type, std::size_t& at) {
        const std::size_t lengthBytes = type == 'g' ? 1 : 4;
        if (bytes_.size() - at < lengthBytes)
            return fail(Fault::truncated, nameOf(field), bytes_.size());
        const std::size_t size = type == 'g' ? static_cast<unsigned char>(bytes_[at])
                                             : load<std::uint32_t>(bytes_.data() + at, view_.endian);
        const std::size_t begin = at + lengthBytes;
        if (size >= bytes_.size() - begin) // the NUL must fit too
            return fail(Fault::lengthOutside, nameOf(field), at);
        const std::string_view value = bytes_.substr(begin, size);
        if (const auto fault = checkText(field, value))
            return fail(*fault, nameOf(field), begin);
        if (bytes_[begin + size] != 0)
            return fail(Fault::stringEnd, nameOf(field), begin + size);
        at = begin + size + 1;
        keep(field, value);
        return true;
    }

    void keep(Field field, std::string_view value) {
        switch (field) {
        case Field::path:
            view_.path = value;
            break;
        case Field::interface:
            view_.interface = value;
            break;
        case Field::member:
            view_.member = value;
            break;
        case Field::errorName:
            view_.errorName = value;
            break;
        case Field::destination:
            view_.destination = value;
            break;
        case Field::sender:
            view_.sender = value;
            break;
        case Field::signature:
            view_.signature = value;
            break;
        case Field::replySerial:
        case Field::unixFds:
            break; // numbers
        }
    }

    std::string_view bytes_; // up to the end of the fields
    MessageView& view_;
    std::uint16_t seen_ = 0;
    std::optional<Flaw> flaw_;
};

// Behind a field of a message that was checked.
std::size_t fieldEnd(std::string_view bytes, std::size_t begin, Endian endian) {
    const auto code = static_cast<std::uint8_t>(bytes[begin]);
    if (code > lastField) {
        BodyCheck check(bytes, begin + 1, endian, "header");
        check.variant(fieldDepth);
        return check.at();
    }
    const std::size_t value = begin + fieldPrefix;
    switch (typeOf(static_cast<Field>(code))) {
    case 'u':
        return value + 4;
    case 'g':
        return value + 1 + static_cast<unsigned char>(bytes[value]) + 1;
    default:
        return value + 4 + load<std::uint32_t>(bytes.data() + value, endian) + 1;
    }
}

} // namespace

std::optional<std::string_view> MessageView::firstString() const {
    if (!signature.starts_with('s'))
        return std::nullopt;
    return body.substr(4, load<std::uint32_t>(body.data(), endian));
}

std::optional<Flaw> read(std::string_view bytes, const Limits& limits, MessageView& view) {
    view = MessageView();
    Extent extent{};
    if (auto flaw = readPrologue(bytes, limits.messageBytes, view, extent))
        return flaw;
    if (bytes.size() != extent.end)
        return bytes.size() < extent.end ? Flaw{Fault::truncated, "header", bytes.size()}
                                         : Flaw{Fault::trailingBytes, "body", extent.end};
    if (auto flaw = FieldReader(bytes.substr(0, extent.fields), view).all())
        return flaw;
    for (std::size_t at = extent.fields; at < extent.body; ++at)
        if (bytes[at] != 0)
            return Flaw{Fault::padding, "header", at};
    if (const auto field = missingField(view))
        return Flaw{Fault::fieldMissing, nameOf(*field), extent.fields};
    view.bytes = bytes;
    view.body = bytes.substr(extent.body);
    if (view.signature.empty())
        return view.body.empty() ? std::nullopt
                                 : std::optional(Flaw{Fault::trailingBytes, "body", extent.body});
    return BodyCheck(bytes, extent.body, view.endian, "body").body(view.signature);
}

FieldCursor::FieldCursor(const MessageView& message)
    : bytes_(message.bytes.substr(
          0, prologueBytes + load<std::uint32_t>(message.bytes.data() + fieldsLengthAt, message.endian))),
      endian_(message.endian) {}

bool FieldCursor::next() {
    begin_ = alignUp(end_, 8);
    if (begin_ >= bytes_.size())
        return false;
    end_ = fieldEnd(bytes_, begin_, endian_);
    return true;
}

} // namespace xb::proxy::wire
