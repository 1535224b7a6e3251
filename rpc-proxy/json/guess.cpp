// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/json/guess.hpp"

#include "rpc-proxy/json/integer.hpp"
#include "rpc-proxy/wire/limits.hpp"
#include "toolstack/libs/error.hpp"

#include <array>
#include <limits>
#include <string_view>

#include <fmt/format.h>

namespace xb::proxy::json {

namespace {

// The integer types that hold all the numbers that were shown.
class NumberTypes {
public:
    void add(Value number) {
        fits_[0] = fits_[0] && isIn<std::uint8_t>(number);
        fits_[1] = fits_[1] && isIn<std::uint32_t>(number);
        fits_[2] = fits_[2] && isIn<std::int32_t>(number);
        fits_[3] = fits_[3] && isIn<std::int64_t>(number);
    }
    // The first of `candidates`, a part of "yuix", that holds them, or d.
    char first(std::string_view candidates) const {
        constexpr std::string_view types = "yuix";
        for (const char type : candidates)
            if (fits_[types.find(type)])
                return type;
        return 'd';
    }

private:
    template <class T>
    static bool isIn(Value number) {
        return number.kind() != Kind::real && integerOf<T>(number).has_value();
    }
    std::array<bool, 4> fits_{true, true, true, true};
};

bool isNumber(Kind kind) {
    return kind == Kind::positive || kind == Kind::negative || kind == Kind::real;
}

std::string guessArray(Value array) {
    std::optional<Kind> common; // a number counts as real
    NumberTypes numbers;
    for (const Value element : array) {
        const Kind kind = isNumber(element.kind()) ? Kind::real : element.kind();
        if (common && *common != kind)
            return "av";
        common = kind;
        if (kind == Kind::real)
            numbers.add(element);
    }
    switch (common.value_or(Kind::text)) {
    case Kind::text:
        return "as";
    case Kind::boolean:
        return "ab";
    case Kind::real:
        return {'a', numbers.first("yuix")};
    case Kind::object:
        return "aa{sv}";
    default:
        return "av"; // null is refused when its turn comes
    }
}

std::string guess(Value value, std::string_view integers) {
    switch (value.kind()) {
    case Kind::null:
        throw Error(errors::invalidArgs, "null is no value on D-Bus");
    case Kind::boolean:
        return "b";
    case Kind::text:
        return "s";
    case Kind::array:
        return guessArray(value);
    case Kind::object:
        return "a{sv}";
    default:
        NumberTypes number;
        number.add(value);
        return std::string(1, number.first(integers));
    }
}

} // namespace

std::string guessSignature(Value args) {
    std::string signature;
    for (const Value argument : args) {
        signature += guess(argument, "uix");
        if (signature.size() > wire::maxSignatureBytes)
            throw Error(errors::invalidArgs,
                        fmt::format("there are more arguments than a signature of {} characters has types",
                                    wire::maxSignatureBytes));
    }
    return signature;
}

std::string guessVariant(Value content) {
    return guess(content, "ix");
}

} // namespace xb::proxy::json
