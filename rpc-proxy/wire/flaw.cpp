// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/flaw.hpp"

#include <fmt/format.h>

namespace xb::proxy::wire {

std::string_view describe(Fault fault) {
    switch (fault) {
    case Fault::truncated:
        return "the message ends too early";
    case Fault::trailingBytes:
        return "there are bytes behind the end";
    case Fault::byteOrder:
        return "the byte order is neither 'l' nor 'B'";
    case Fault::messageType:
        return "message type 0";
    case Fault::protocolVersion:
        return "the protocol version is not 1";
    case Fault::serial:
        return "serial 0";
    case Fault::messageTooLong:
        return "the message is longer than allowed";
    case Fault::arrayTooLong:
        return "an array is longer than 64 MiB";
    case Fault::arrayLength:
        return "the elements of an array do not end where the array ends";
    case Fault::lengthOutside:
        return "a length reaches behind the end";
    case Fault::padding:
        return "padding is not zero";
    case Fault::boolean:
        return "a boolean is neither 0 nor 1";
    case Fault::utf8:
        return "a string is not UTF-8 without NUL";
    case Fault::stringEnd:
        return "a string does not end in NUL";
    case Fault::objectPath:
        return "not an object path";
    case Fault::signature:
        return "not a signature";
    case Fault::variantSignature:
        return "the signature of a variant is not one complete type";
    case Fault::tooDeep:
        return "containers are nested too deep";
    case Fault::fieldCode:
        return "header field 0";
    case Fault::fieldType:
        return "the header field has the wrong type";
    case Fault::fieldTwice:
        return "the header field appears twice";
    case Fault::fieldMissing:
        return "the header field is missing";
    case Fault::name:
        return "not a valid name";
    case Fault::reserved:
        return "org.freedesktop.DBus.Local is reserved";
    }
    return "?";
}

std::string Flaw::text() const {
    return fmt::format("{} at byte {}: {}", part, offset, describe(fault));
}

} // namespace xb::proxy::wire
