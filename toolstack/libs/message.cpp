// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/message.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/utf8.hpp"

#include <systemd/sd-bus.h>

#include <cstring>

namespace sdbus {
// Exported by the library, but declared in a header of its own that is not installed.
PlainMessage createPlainMessage();
} // namespace sdbus

namespace xb {

namespace {

// sdbus-c++ keeps the table of sd-bus functions that a Message works through in a protected member, and
// offers no way to wrap a message that it did not create itself. A plain message of its own making lends us
// that table; it is never freed, because messages may live until the very end of the process.
struct Access : sdbus::Message {
    static sdbus::internal::ISdBus* functions(sdbus::Message& message) { return message.*(&Access::sdbus_); }
};

sdbus::internal::ISdBus* sdbusFunctions() {
    static auto* const lender = new sdbus::PlainMessage(sdbus::createPlainMessage());
    return Access::functions(*lender);
}

std::string text(const char* value) {
    return value ? value : std::string();
}

} // namespace

Message Message::share(sd_bus_message* message) {
    return Message(message, sdbusFunctions());
}

Message Message::adopt(sd_bus_message* message) {
    return Message(message, sdbusFunctions(), sdbus::adopt_message);
}

void Message::appendText(std::string_view text) {
    // sd-bus measures, checks and copies a text byte by byte; dumps are megabytes, a GetAll is 145 names.
    if (!isBusText(text)) {
        sdbus::PlainMessage::operator<<(std::string(text)); // which refuses what is not clean
        return;
    }
    char* place = nullptr;
    if (const int r = sd_bus_message_append_string_space(raw(), text.size(), &place); r < 0)
        throw systemError("cannot put a text of " + std::to_string(text.size()) + " bytes into a message",
                          -r);
    std::memcpy(place, text.data(), text.size());
}

std::string Message::sender() const {
    return text(sd_bus_message_get_sender(raw()));
}
std::string Message::path() const {
    return text(sd_bus_message_get_path(raw()));
}
std::string Message::interface() const {
    return text(sd_bus_message_get_interface(raw()));
}
std::string Message::member() const {
    return text(sd_bus_message_get_member(raw()));
}
std::string Message::signature() const {
    return text(sd_bus_message_get_signature(raw(), 1));
}

} // namespace xb
