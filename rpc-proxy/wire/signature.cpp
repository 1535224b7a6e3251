// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/signature.hpp"

namespace xb::proxy::wire {

namespace {

constexpr bool isBasic(char type) {
    return fixedSize(type) != 0 || type == 's' || type == 'o' || type == 'g';
}

// The containers that are open at one place of a signature.
class Open {
public:
    struct Container {
        std::uint8_t at;
        char kind; // 'a', '(' or '{'
        std::uint8_t types;
    };
    bool push(std::size_t at, char kind) {
        std::size_t& depth = kind == 'a' ? arrays_ : kind == '(' ? structs_ : entries_;
        if (depth == maxSignatureNesting)
            return false;
        ++depth;
        stack_[size_++] = {static_cast<std::uint8_t>(at), kind, 0};
        return true;
    }
    Container pop() {
        const Container top = stack_[--size_];
        --(top.kind == 'a' ? arrays_ : top.kind == '(' ? structs_ : entries_);
        return top;
    }
    bool empty() const { return size_ == 0; }
    bool topIs(char kind) const { return size_ != 0 && stack_[size_ - 1].kind == kind; }
    Container& top() { return stack_[size_ - 1]; }

private:
    std::array<Container, 3 * maxSignatureNesting> stack_;
    std::size_t size_ = 0;
    std::size_t arrays_ = 0;
    std::size_t structs_ = 0;
    std::size_t entries_ = 0;
};

// Whether a type that begins with `type` may stand here.
bool fits(Open& open, char type) {
    if (!open.topIs('{'))
        return type != '{' || open.topIs('a');
    switch (open.top().types) {
    case 0:
        return isBasic(type);
    case 1:
        return type != '{' && type != '}';
    default:
        return type == '}';
    }
}

} // namespace

bool SignatureMap::read(std::string_view signature) {
    if (signature.size() > maxSignatureBytes)
        return false;
    text_ = signature.data();
    size_ = static_cast<std::uint8_t>(signature.size());
    Open open;
    for (std::size_t at = 0; at < signature.size(); ++at) {
        const char type = signature[at];
        if (!fits(open, type))
            return false;
        if (type == 'a' || type == '(' || type == '{') {
            if (!open.push(at, type))
                return false;
            continue;
        }
        const auto end = static_cast<std::uint8_t>(at + 1);
        if (type == ')' || type == '}') {
            if (!open.topIs(type == ')' ? '(' : '{') || open.top().types == 0)
                return false;
            ends_[open.pop().at] = end;
        } else if (isBasic(type) || type == 'v') {
            ends_[at] = end;
        } else {
            return false;
        }
        // A type is complete here, and with it the arrays of it.
        while (open.topIs('a'))
            ends_[open.pop().at] = end;
        if (!open.empty())
            ++open.top().types;
    }
    return open.empty();
}

bool isSignature(std::string_view signature) {
    SignatureMap map;
    return map.read(signature);
}

bool isSingleType(std::string_view signature) {
    SignatureMap map;
    return !signature.empty() && map.read(signature) && map.endOf(0) == signature.size();
}

std::size_t firstTypeEnd(std::string_view signature) {
    std::size_t at = 0;
    while (at < signature.size() && signature[at] == 'a')
        ++at;
    std::size_t depth = 0;
    for (; at < signature.size(); ++at) {
        const char type = signature[at];
        depth += type == '(' || type == '{' ? 1 : 0;
        depth -= type == ')' || type == '}' ? 1 : 0;
        if (depth == 0)
            return at + 1;
    }
    return signature.size();
}

} // namespace xb::proxy::wire
