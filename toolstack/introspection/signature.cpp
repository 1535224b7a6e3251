// SPDX-License-Identifier: Apache-2.0
#include "toolstack/introspection/signature.hpp"

#include "toolstack/libs/error.hpp"

namespace xb::introspection {

namespace {

constexpr std::string_view basicTypes = "ybnqiuxtdsogh";

// Reads one signature from left to right; recursion is bounded by the two depth limits.
class Parser {
public:
    explicit Parser(std::string_view signature) : text_(signature) {
        if (text_.size() > signatureLimit)
            fail("is longer than " + std::to_string(signatureLimit) + " characters");
    }

    bool atEnd() const { return position_ == text_.size(); }

    Type type(int arrays, int structs) {
        const char code = next();
        if (code == 'a')
            return array(arrays + 1, structs);
        if (code == '(')
            return structure(arrays, structs + 1);
        if (code == 'v' || basicTypes.find(code) != std::string_view::npos)
            return Type{code, {}};
        fail(std::string("has no type '") + code + "'");
    }

    [[noreturn]] void fail(const std::string& reason) const {
        throw Error(errors::invalidArgs,
                    "the type signature \"" + std::string(text_.substr(0, signatureLimit)) + "\" " + reason);
    }

private:
    char next() {
        if (atEnd())
            fail("ends too early");
        return text_[position_++];
    }

    Type array(int arrays, int structs) {
        if (arrays > signatureDepthLimit)
            fail("is nested too deeply");
        Type result{'a', {}};
        if (!atEnd() && text_[position_] == '{') {
            ++position_;
            result.inner.push_back(entry(arrays, structs + 1));
        } else {
            result.inner.push_back(type(arrays, structs));
        }
        return result;
    }

    Type entry(int arrays, int structs) {
        if (structs > signatureDepthLimit)
            fail("is nested too deeply");
        const char key = next();
        if (basicTypes.find(key) == std::string_view::npos)
            fail("has a dictionary key that is no basic type");
        Type result{'{', {}};
        result.inner.push_back(Type{key, {}});
        result.inner.push_back(type(arrays, structs));
        if (next() != '}')
            fail("has a dictionary entry that is not key and value");
        return result;
    }

    Type structure(int arrays, int structs) {
        if (structs > signatureDepthLimit)
            fail("is nested too deeply");
        Type result{'(', {}};
        while (atEnd() || text_[position_] != ')')
            result.inner.push_back(type(arrays, structs));
        ++position_;
        if (result.inner.empty())
            fail("has an empty struct");
        return result;
    }

    std::string_view text_;
    std::size_t position_ = 0;
};

} // namespace

std::string Type::text() const {
    std::string result(1, code);
    for (const Type& member : inner)
        result += member.text();
    if (code == '(')
        result += ')';
    if (code == '{')
        result += '}';
    return result;
}

std::vector<Type> parseSignature(std::string_view signature) {
    Parser parser(signature);
    std::vector<Type> types;
    while (!parser.atEnd())
        types.push_back(parser.type(0, 0));
    return types;
}

Type parseType(std::string_view signature) {
    Parser parser(signature);
    Type type = parser.type(0, 0);
    if (!parser.atEnd())
        parser.fail("is more than one type");
    return type;
}

} // namespace xb::introspection
