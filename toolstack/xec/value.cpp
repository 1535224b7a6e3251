// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/value.hpp"

#include "toolstack/libs/error.hpp"

namespace xb::xec {

namespace {

template <class T>
T read(Message& message) {
    T value{};
    message >> value;
    return value;
}

template <class T>
std::int64_t readSigned(Message& message) {
    return read<T>(message);
}

template <class T>
std::uint64_t readUnsigned(Message& message) {
    return read<T>(message);
}

// What comes next: a type code (0 at the end of the container or message) and what is inside.
struct Peeked {
    char code = 0;
    std::string contents;
};

Peeked peek(const Message& message) {
    std::string code;
    Peeked result;
    message.peekType(code, result.contents);
    result.code = code.empty() ? '\0' : code[0];
    return result;
}

// Depth is bounded by sd-bus, which refuses messages nested more deeply than the specification allows.
Value readValue(Message& message, const Peeked& next);

Value::Members readMembers(Message& message) {
    Value::Members members;
    for (Peeked next = peek(message); next.code != 0; next = peek(message))
        members.push_back(readValue(message, next));
    return members;
}

Value readArray(Message& message, const std::string& contents) {
    if (contents == "y") {
        const auto bytes = read<std::vector<std::uint8_t>>(message);
        return Value{"ay", std::string(bytes.begin(), bytes.end())};
    }
    message.enterContainer(contents);
    Value value{"a" + contents, readMembers(message)};
    message.exitContainer();
    return value;
}

Value readContainer(Message& message, const Peeked& next) {
    Value value;
    switch (next.code) {
    case 'r':
        message.enterStruct(next.contents);
        value = Value{"(" + next.contents + ")", readMembers(message)};
        message.exitStruct();
        return value;
    case 'e':
        message.enterDictEntry(next.contents);
        value = Value{"{" + next.contents + "}", readMembers(message)};
        message.exitDictEntry();
        return value;
    case 'v':
        message.enterVariant(next.contents);
        value = Value{"v", readMembers(message)};
        message.exitVariant();
        return value;
    default:
        throw Error(std::string("a message has a value of the unknown type '") + next.code + "'");
    }
}

Value readValue(Message& message, const Peeked& next) {
    const std::string type(1, next.code);
    switch (next.code) {
    case 'b':
        return Value{type, read<bool>(message)};
    case 'y':
        return Value{type, readUnsigned<std::uint8_t>(message)};
    case 'n':
        return Value{type, readSigned<std::int16_t>(message)};
    case 'q':
        return Value{type, readUnsigned<std::uint16_t>(message)};
    case 'i':
        return Value{type, readSigned<std::int32_t>(message)};
    case 'u':
        return Value{type, readUnsigned<std::uint32_t>(message)};
    case 'x':
        return Value{type, readSigned<std::int64_t>(message)};
    case 't':
        return Value{type, readUnsigned<std::uint64_t>(message)};
    case 'h':
        return Value{type, static_cast<std::uint64_t>(read<UnixFd>(message).get())};
    case 'd':
        return Value{type, read<double>(message)};
    case 's':
        return Value{type, read<std::string>(message)};
    case 'o':
        return Value{type, std::string(read<ObjectPath>(message))};
    case 'g':
        return Value{type, std::string(read<Signature>(message))};
    case 'a':
        return readArray(message, next.contents);
    default:
        return readContainer(message, next);
    }
}

void appendMembers(Message& message, const Value& value) {
    for (const Value& member : value.members())
        append(message, member);
}

void appendContainer(Message& message, const Value& value) {
    const std::string contents =
        value.type[0] == 'a' ? value.type.substr(1) : value.type.substr(1, value.type.size() - 2);
    if (value.isBytes()) {
        const auto& bytes = std::get<std::string>(value.data);
        message << std::vector<std::uint8_t>(bytes.begin(), bytes.end());
    } else if (value.type[0] == 'a') {
        message.openContainer(contents);
        appendMembers(message, value);
        message.closeContainer();
    } else if (value.type[0] == '(') {
        message.openStruct(contents);
        appendMembers(message, value);
        message.closeStruct();
    } else {
        message.openDictEntry(contents);
        appendMembers(message, value);
        message.closeDictEntry();
    }
}

} // namespace

const Value& Value::unwrapped() const {
    const Value* value = this;
    while (value->type == "v" && !value->members().empty())
        value = &value->members().front();
    return *value;
}

std::vector<Value> readValues(Message& message) {
    return readMembers(message);
}

void append(Message& message, const Value& value) {
    const auto& data = value.data;
    switch (value.type.at(0)) {
    case 'b':
        message << std::get<bool>(data);
        return;
    case 'y':
        message << static_cast<std::uint8_t>(std::get<std::uint64_t>(data));
        return;
    case 'n':
        message << static_cast<std::int16_t>(std::get<std::int64_t>(data));
        return;
    case 'q':
        message << static_cast<std::uint16_t>(std::get<std::uint64_t>(data));
        return;
    case 'i':
        message << static_cast<std::int32_t>(std::get<std::int64_t>(data));
        return;
    case 'u':
        message << static_cast<std::uint32_t>(std::get<std::uint64_t>(data));
        return;
    case 'x':
        message << std::get<std::int64_t>(data);
        return;
    case 't':
        message << std::get<std::uint64_t>(data);
        return;
    case 'd':
        message << std::get<double>(data);
        return;
    case 's':
        message << std::get<std::string>(data);
        return;
    case 'o':
        message << ObjectPath(std::get<std::string>(data));
        return;
    case 'a':
    case '(':
    case '{':
        appendContainer(message, value);
        return;
    default:
        throw Error(errors::notSupported, "values of type " + value.type + " cannot be sent");
    }
}

} // namespace xb::xec
