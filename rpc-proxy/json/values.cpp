// SPDX-License-Identifier: Apache-2.0
// RapidJSON's iterative reader drives a builder that refuses what JSON allows and D-Bus cannot carry.
#include "rpc-proxy/json/values.hpp"

#include "rpc-proxy/wire/utf8.hpp"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

namespace xb::proxy::json {

std::string_view describe(Kind kind) {
    switch (kind) {
    case Kind::null:
        return "null";
    case Kind::boolean:
        return "a boolean";
    case Kind::positive:
    case Kind::negative:
        return "an integer";
    case Kind::real:
        return "a number that is no integer";
    case Kind::text:
        return "a string";
    case Kind::array:
        return "an array";
    case Kind::object:
        return "an object";
    }
    return "nothing";
}

// The handler of RapidJSON's events, whose names and signatures these are.
class ValuesBuilder {
public:
    ValuesBuilder(Values& values, const Limits& limits) : values_(values), limits_(limits) {}

    const std::string& error() const { return error_; }

    bool Null() { return add(Kind::null); }
    bool Bool(bool value) {
        add(Kind::boolean);
        values_.row_.back().boolean = value;
        return true;
    }
    // Numbers arrive as text.
    bool Int(int) { return refuse("a number came decoded"); }
    bool Uint(unsigned) { return Int(0); }
    bool Int64(std::int64_t) { return Int(0); }
    bool Uint64(std::uint64_t) { return Int(0); }
    bool Double(double) { return Int(0); }

    bool RawNumber(const char* data, rapidjson::SizeType size, bool) {
        const std::string_view text(data, size);
        const bool integer = text.find_first_of(".eE") == std::string_view::npos;
        if (integer && text[0] != '-' && fits<std::uint64_t>(text)) {
            add(Kind::positive);
            values_.row_.back().positive = number_.positive;
            return true;
        }
        // -0 is a double: no integer has a sign then.
        if (integer && text != "-0" && text[0] == '-' && fits<std::int64_t>(text)) {
            add(Kind::negative);
            values_.row_.back().negative = number_.negative;
            return true;
        }
        double real = 0;
        if (!wholly(text, real))
            return refuse("a number is beyond a double");
        add(Kind::real);
        values_.row_.back().real = real;
        return true;
    }

    bool String(const char* data, rapidjson::SizeType size, bool) {
        const std::string_view text(data, size);
        if (!wire::isText(text)) // escapes make what the text itself has not
            return refuse("a string has half of a surrogate pair or U+0000");
        add(Kind::text);
        values_.row_.back().text = {static_cast<std::uint32_t>(values_.texts_.size()),
                                    static_cast<std::uint32_t>(size)};
        values_.texts_.insert(values_.texts_.end(), text.begin(), text.end());
        return true;
    }
    bool Key(const char* data, rapidjson::SizeType size, bool) { return String(data, size, false); }

    bool StartArray() { return begin(Kind::array); }
    bool StartObject() { return begin(Kind::object); }
    bool EndArray(rapidjson::SizeType) {
        end();
        return true;
    }
    bool EndObject(rapidjson::SizeType) { return end() ? true : refuse("an object has a key twice"); }

private:
    union Number {
        std::uint64_t positive;
        std::int64_t negative;
    };

    template <class T>
    static bool wholly(std::string_view text, T& value) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc() && end == text.data() + text.size();
    }
    template <class T>
    bool fits(std::string_view text) {
        if constexpr (std::is_unsigned_v<T>)
            return wholly(text, number_.positive);
        else
            return wholly(text, number_.negative);
    }

    bool refuse(std::string why) {
        error_ = std::move(why);
        return false;
    }

    bool add(Kind kind) {
        Values::Item item{};
        item.kind = kind;
        item.end = static_cast<std::uint32_t>(values_.row_.size() + 1);
        values_.row_.push_back(item);
        return true;
    }

    bool begin(Kind kind) {
        if (open_.size() == limits_.depth)
            return refuse(fmt::format("it is nested deeper than {}", limits_.depth));
        add(kind);
        values_.row_.back().end = 0;
        open_.push_back(values_.row_.size() - 1);
        return true;
    }

    // False: an object has a key twice.
    bool end() {
        const Value container = values_.at(open_.back());
        open_.pop_back();
        values_.row_[container.index()].end = static_cast<std::uint32_t>(values_.row_.size());
        return container.kind() == Kind::array || keysDiffer(container);
    }

    bool keysDiffer(Value object) {
        keys_.clear();
        for (auto at = object.begin(); at != object.end(); ++at, ++at)
            keys_.push_back((*at).text());
        std::sort(keys_.begin(), keys_.end());
        return std::adjacent_find(keys_.begin(), keys_.end()) == keys_.end();
    }

    Values& values_;
    const Limits& limits_;
    Number number_{};
    std::vector<std::size_t> open_;
    std::vector<std::string_view> keys_;
    std::string error_;
};

namespace {

constexpr unsigned forValidText = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
constexpr unsigned forAnyText = forValidText | rapidjson::kParseValidateEncodingFlag;

// As sentences without their full stop.
std::string describe(const rapidjson::ParseResult& parsed) {
    std::string text = rapidjson::GetParseError_En(parsed.Code());
    std::replace(text.begin(), text.end(), ':', ' ');
    while (!text.empty() && text.back() == '.')
        text.pop_back();
    return text;
}

} // namespace

std::optional<std::string> Values::read(std::string_view text, const Limits& limits) {
    row_.clear();
    texts_.clear();
    // Places in the text and in the row are 32 bits wide.
    const std::size_t most =
        std::min<std::size_t>(limits.textBytes, std::numeric_limits<std::int32_t>::max());
    if (text.size() > most)
        return fmt::format("it has {} bytes, the limit is {}", text.size(), most);
    texts_.reserve(text.size()); // escapes only make texts shorter
    ValuesBuilder builder(*this, limits);
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    // Text that is known to be UTF-8 need not be looked at again; other text is read for what comes before.
    const rapidjson::ParseResult parsed = wire::isText(text) ? reader.Parse<forValidText>(stream, builder)
                                                             : reader.Parse<forAnyText>(stream, builder);
    if (!parsed && parsed.Code() == rapidjson::kParseErrorTermination)
        return builder.error();
    if (!parsed)
        return fmt::format("{} (byte {})", describe(parsed), parsed.Offset());
    if (stream.Tell() != text.size()) // RapidJSON takes NUL for the end
        return fmt::format("NUL at byte {}", stream.Tell());
    return std::nullopt;
}

std::optional<Value> Values::member(std::string_view key) const {
    if (row_.empty() || row_[0].kind != Kind::object)
        return std::nullopt;
    const bool whole = row_[0].end != 0;
    for (std::size_t at = 1; at + 1 < row_.size(); at = row_[at + 1].end) {
        if (row_[at + 1].end == 0 || (!whole && row_[at + 1].end == row_.size()))
            return std::nullopt; // a number may have more digits
        if (this->at(at).text() == key)
            return this->at(at + 1);
    }
    return std::nullopt;
}

} // namespace xb::proxy::json
