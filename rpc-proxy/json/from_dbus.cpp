// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/json/from_dbus.hpp"

#include "rpc-proxy/json/text.hpp"
#include "rpc-proxy/wire/body_reader.hpp"

#include <array>
#include <type_traits>
#include <utility>

namespace xb::proxy::json {

namespace {

using wire::BodyReader;

// Gives the next value, which is of a basic type, to `use`.
template <class Use>
void readBasic(BodyReader& from, char type, Use&& use) {
    switch (type) {
    case 'y':
        return use(from.byte());
    case 'b':
        return use(from.boolean());
    case 'n':
        return use(from.int16());
    case 'q':
        return use(from.uint16());
    case 'i':
        return use(from.int32());
    case 'u':
        return use(from.uint32());
    case 'x':
        return use(from.int64());
    case 't':
        return use(from.uint64());
    case 'd':
        return use(from.float64());
    case 'h':
        return use(from.unixFd());
    case 's':
        return use(from.string());
    case 'o':
        return use(from.objectPath());
    default:
        return use(from.signature());
    }
}

// The values of a body, or what is left of it, one after the other.
class Values {
public:
    Values(std::string& out, BodyReader& from) : out_(out), from_(from) {}

    // The content of an array that was begun.
    void write(bool first) {
        levels_[0] = {Shape::array, !first};
        while (true) {
            const char type = from_.type();
            if (type != '\0')
                value(type);
            else if (open_ == 0)
                return;
            else
                end();
        }
    }

private:
    enum class Shape : std::uint8_t { array, object, entry, variant };
    struct Level {
        Shape shape;
        bool any;
    };

    // Before a value: what parts it from its neighbour.
    void part() {
        Level& level = levels_[open_];
        if (level.shape == Shape::entry || level.shape == Shape::variant)
            return;
        if (level.any)
            out_ += ',';
        level.any = true;
    }

    void value(char type) {
        part();
        switch (type) {
        case 'a':
            return array();
        case '(':
            out_ += '[';
            return begin(Shape::array);
        case '{':
            begin(Shape::entry);
            return key(from_.type());
        case 'v':
            return begin(Shape::variant);
        default:
            return readBasic(from_, type, [this](auto read) { basic(read); });
        }
    }

    void array() {
        const std::string_view type = from_.nextSignature();
        if (type == "ay")
            return bytes();
        const bool dict = type[1] == '{';
        out_ += dict ? '{' : '[';
        begin(dict ? Shape::object : Shape::array);
    }

    void bytes() {
        char mark = '[';
        for (const char c : from_.byteArray()) {
            out_ += std::exchange(mark, ',');
            appendNumber(out_, static_cast<unsigned>(static_cast<unsigned char>(c)));
        }
        if (mark == '[')
            out_ += mark;
        out_ += ']';
    }

    template <class T>
    void basic(T value) {
        if constexpr (std::is_same_v<T, std::string_view>)
            appendText(out_, value);
        else if constexpr (std::is_same_v<T, bool>)
            out_ += value ? "true" : "false";
        else
            appendNumber(out_, value);
    }

    void key(char type) {
        readBasic(from_, type, [this]<class T>(T read) {
            const std::size_t quote = out_.size();
            basic(read);
            if (out_[quote] != '"') {
                out_.insert(quote, 1, '"');
                out_ += '"';
            }
        });
        out_ += ':';
    }

    void begin(Shape shape) {
        from_.enter();
        levels_[++open_] = {shape, false};
    }
    void end() {
        from_.leave();
        const Shape shape = levels_[open_--].shape;
        if (shape == Shape::array)
            out_ += ']';
        else if (shape == Shape::object)
            out_ += '}';
    }

    std::string& out_;
    BodyReader& from_;
    std::array<Level, wire::maxValueDepth + 2> levels_; // as many as the reader can enter
    std::size_t open_ = 0;
};

void appendMember(std::string& out, std::string_view name, std::string_view value) {
    out += ",\"";
    out += name;
    out += "\":";
    appendText(out, value);
}

void begin(std::string& out, std::uint32_t serial, std::string_view type) {
    out += "{\"id\":";
    appendNumber(out, serial);
    appendMember(out, "type", type);
}

void appendResponseTo(std::string& out, std::uint32_t serial) {
    out += ",\"response-to\":\"";
    appendNumber(out, serial);
    out += '"';
}

bool append(std::string& out, const wire::MessageView& message, bool typed) {
    switch (message.type) {
    case wire::MessageType::methodCall:
        begin(out, message.serial, "request");
        appendMember(out, "method", message.member.value_or(""));
        appendMember(out, "destination", message.destination.value_or(""));
        appendMember(out, "path", message.path.value_or(""));
        appendMember(out, "interface", message.interface.value_or(""));
        break;
    case wire::MessageType::methodReturn:
        begin(out, message.serial, "response");
        appendResponseTo(out, message.replySerial.value_or(0));
        break;
    case wire::MessageType::error:
        begin(out, message.serial, "error");
        appendResponseTo(out, message.replySerial.value_or(0));
        appendMember(out, "name", message.errorName.value_or(""));
        break;
    case wire::MessageType::signal:
        begin(out, message.serial, "signal");
        appendMember(out, "interface", message.interface.value_or(""));
        appendMember(out, "member", message.member.value_or(""));
        appendMember(out, "path", message.path.value_or(""));
        break;
    default:
        return false;
    }
    if (typed && !message.signature.empty())
        appendMember(out, "dbus-signature", message.signature);
    out += ",\"args\":[";
    BodyReader from(message);
    const bool named = !typed && message.type == wire::MessageType::error && from.type() != 's';
    if (named)
        appendText(out, message.errorName.value_or(""));
    Values(out, from).write(!named);
    out += "]}";
    return true;
}

} // namespace

bool appendMessage(std::string& out, const wire::MessageView& message) {
    return append(out, message, false);
}

bool appendTypedMessage(std::string& out, const wire::MessageView& message) {
    return append(out, message, true);
}

void appendError(std::string& out, std::uint32_t serial, std::uint32_t replyTo, std::string_view name,
                 std::string_view text) {
    begin(out, serial, "error");
    appendResponseTo(out, replyTo);
    appendMember(out, "name", name);
    out += ",\"args\":[";
    appendText(out, text);
    out += "]}";
}

} // namespace xb::proxy::json
