// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/copy_values.hpp"

namespace xb::proxy::wire {

namespace {

void copyBasic(BodyReader& from, BodyWriter& to, char type) {
    switch (type) {
    case 'y':
        return to.byte(from.byte());
    case 'b':
        return to.boolean(from.boolean());
    case 'n':
        return to.int16(from.int16());
    case 'q':
        return to.uint16(from.uint16());
    case 'i':
        return to.int32(from.int32());
    case 'u':
        return to.uint32(from.uint32());
    case 'x':
        return to.int64(from.int64());
    case 't':
        return to.uint64(from.uint64());
    case 'd':
        return to.float64(from.float64());
    case 'h':
        return to.unixFd(from.unixFd());
    case 's':
        return to.string(from.string());
    case 'o':
        return to.objectPath(from.objectPath());
    default:
        return to.signature(from.signature());
    }
}

} // namespace

void copyValues(BodyReader& from, BodyWriter& to) {
    std::size_t open = 0;
    for (;;) {
        const char type = from.type();
        if (type == '\0') {
            if (open == 0)
                return;
            from.leave();
            to.leave();
            --open;
        } else if (type == 'v') {
            from.enter();
            to.enterVariant(from.nextSignature());
            ++open;
        } else if (type == 'a' || type == '(' || type == '{') {
            from.enter();
            to.enter();
            ++open;
        } else {
            copyBasic(from, to, type);
        }
    }
}

} // namespace xb::proxy::wire
