// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/json/arguments.hpp"

#include "rpc-proxy/json/guess.hpp"
#include "rpc-proxy/json/integer.hpp"
#include "rpc-proxy/json/text.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/names.hpp"
#include "rpc-proxy/wire/signature.hpp"
#include "toolstack/libs/error.hpp"

#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace xb::proxy::json {

namespace {

[[noreturn]] void refuse(const std::string& text) {
    throw Error(errors::invalidArgs, text);
}

std::optional<double> namedNumber(std::string_view text) {
    using Limits = std::numeric_limits<double>;
    for (const double value : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()})
        if (text == nameOfNumber(value))
            return value;
    return std::nullopt;
}

// Recursion is as deep as the values are, which is bounded when they are read.
class Converter {
public:
    explicit Converter(wire::BodyWriter& to) : to_(to) {}

    void value(Value from) {
        switch (to_.type()) {
        case 'a':
            return to_.nextSignature()[1] == '{' ? dict(from) : array(from);
        case '(':
            return structure(from);
        case 'v':
            to_.enterVariant(guessVariant(from));
            value(from);
            return to_.leave();
        case 'b':
            need(from, Kind::boolean);
            return to_.boolean(from.boolean());
        case 's':
        case 'o':
        case 'g':
            need(from, Kind::text);
            return text(from.text());
        case 'd':
            return real(from);
        case 'h':
            refuse("a file descriptor cannot be sent as JSON");
        default:
            return withInteger([&]<class T>(T, auto write) {
                const auto number = integerOf<T>(from);
                if (!number)
                    misfit(from);
                (to_.*write)(*number);
            });
        }
    }

private:
    [[noreturn]] void misfit(Value from) const {
        std::string what(describe(from.kind()));
        if (from.kind() == Kind::positive || from.kind() == Kind::negative)
            what += " beyond its range";
        refuse(fmt::format("{} does not fit the type {}", what, to_.nextSignature()));
    }
    void need(Value from, Kind kind) const {
        if (from.kind() != kind)
            misfit(from);
    }

    // Gives `use` a value of the integer type that is next, and what writes one.
    template <class Use>
    void withInteger(Use&& use) {
        using Writer = wire::BodyWriter;
        switch (to_.type()) {
        case 'y':
            return use(std::uint8_t{}, &Writer::byte);
        case 'n':
            return use(std::int16_t{}, &Writer::int16);
        case 'q':
            return use(std::uint16_t{}, &Writer::uint16);
        case 'i':
            return use(std::int32_t{}, &Writer::int32);
        case 'u':
            return use(std::uint32_t{}, &Writer::uint32);
        case 'x':
            return use(std::int64_t{}, &Writer::int64);
        default:
            return use(std::uint64_t{}, &Writer::uint64);
        }
    }

    void text(std::string_view from) {
        switch (to_.type()) {
        case 's':
            return to_.string(from);
        case 'o':
            return to_.objectPath(from);
        default:
            return to_.signature(from);
        }
    }

    void real(Value from) {
        switch (from.kind()) {
        case Kind::positive:
            return to_.float64(static_cast<double>(from.positive()));
        case Kind::negative:
            return to_.float64(static_cast<double>(from.negative()));
        case Kind::real:
            return to_.float64(from.real());
        case Kind::text:
            if (const auto named = namedNumber(from.text()))
                return to_.float64(*named);
            [[fallthrough]];
        default:
            misfit(from);
        }
    }

    void array(Value from) {
        need(from, Kind::array);
        to_.enter();
        for (const Value element : from)
            value(element);
        to_.leave();
    }

    void structure(Value from) {
        need(from, Kind::array);
        to_.enter();
        for (const Value member : from) {
            if (to_.type() == '\0')
                refuse("an array has more elements than the struct that it is to be");
            value(member);
        }
        if (to_.type() != '\0')
            refuse("an array has fewer elements than the struct that it is to be");
        to_.leave();
    }

    void dict(Value from) {
        need(from, Kind::object);
        to_.enter();
        for (auto at = from.begin(); at != from.end(); ++at) {
            to_.enter();
            key((*at).text());
            ++at;
            value(*at);
            to_.leave();
        }
        to_.leave();
    }

    [[noreturn]] void badKey() const {
        refuse(fmt::format("a key of an object does not fit the type {}", to_.nextSignature()));
    }

    void key(std::string_view from) {
        switch (to_.type()) {
        case 's':
        case 'o':
        case 'g':
            return text(from);
        case 'b':
            if (from != "true" && from != "false")
                badKey();
            return to_.boolean(from == "true");
        case 'd':
            return realKey(from);
        case 'h':
            refuse("a file descriptor cannot be sent as JSON");
        default:
            return withInteger([&]<class T>(T, auto write) {
                const auto number = integerOf<T>(from);
                if (!number)
                    badKey();
                (to_.*write)(*number);
            });
        }
    }

    // As appendNumber() writes it.
    void realKey(std::string_view from) {
        if (const auto named = namedNumber(from))
            return to_.float64(*named);
        double number = 0;
        const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), number);
        if (error != std::errc() || end != from.data() + from.size() || !std::isfinite(number))
            badKey();
        to_.float64(number);
    }

    wire::BodyWriter& to_;
};

} // namespace

std::string toBody(Value args, std::string_view signature, const wire::Limits& limits) {
    wire::BodyWriter to(signature, limits);
    Converter converter(to);
    std::size_t number = 0;
    std::string_view types = signature; // of the arguments to come
    for (const Value argument : args) {
        ++number;
        if (types.empty())
            refuse(fmt::format("there are more arguments than types in the signature \"{}\"", signature));
        const std::string_view type = types.substr(0, wire::firstTypeEnd(types));
        types.remove_prefix(type.size());
        try {
            converter.value(argument);
        } catch (const Error& e) {
            throw Error(e.name(), fmt::format("argument {} ({}): {}", number, type, e.what()));
        }
    }
    if (!types.empty())
        refuse(fmt::format("there are fewer arguments ({}) than types in the signature \"{}\"", number,
                           signature));
    return to.take();
}

} // namespace xb::proxy::json
