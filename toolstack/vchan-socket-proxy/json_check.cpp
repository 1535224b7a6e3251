// SPDX-License-Identifier: Apache-2.0
// RapidJSON's iterative reader drives a writer.
#include "toolstack/vchan-socket-proxy/json_check.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/utf8.hpp"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <system_error>
#include <vector>

namespace xb::vchan_proxy {

namespace {

// Nobody writes longer ones; what a parser does with thousands of digits need not be found out.
constexpr std::size_t maxNumber = 32;

bool fitsDouble(std::string_view digits) {
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
}

// The handler of RapidJSON's events, whose names and signatures these are.
class Copier {
public:
    Copier(JsonObject& object, std::size_t depth, const TextFilter& filter)
        : object_(object), depth_(depth), filter_(filter) {}

    const std::string& error() const { return error_; }
    std::string text() const { return {buffer_.GetString(), buffer_.GetSize()}; }

    bool Null() { return enter(JsonKind::null, "") && writer_.Null(); }
    bool Bool(bool value) { return enter(JsonKind::boolean, "") && writer_.Bool(value); }
    // Numbers arrive as text.
    bool Int(int) { return refuse("a number came decoded"); }
    bool Uint(unsigned) { return Int(0); }
    bool Int64(std::int64_t) { return Int(0); }
    bool Uint64(std::uint64_t) { return Int(0); }
    bool Double(double) { return Int(0); }
    bool RawNumber(const char* data, rapidjson::SizeType size, bool) {
        const std::string_view digits(data, size);
        if (size > maxNumber)
            return refuse(fmt::format("a number has {} letters, the limit is {}", size, maxNumber));
        if (!fitsDouble(digits))
            return refuse("a number is beyond a double");
        return enter(JsonKind::number, digits) && writer_.RawValue(data, size, rapidjson::kNumberType);
    }
    bool String(const char* data, rapidjson::SizeType size, bool) {
        const std::string_view text(data, size);
        if (!isUtf8Text(text, Noncharacters::taken)) // escapes make what the text itself has not
            return refuse("a text has half of a surrogate pair or U+0000");
        const std::string filtered = filter_ ? filter_(path(), text) : std::string(text);
        return enter(JsonKind::text, filtered) &&
               writer_.String(filtered.data(), static_cast<rapidjson::SizeType>(filtered.size()));
    }
    bool Key(const char* data, rapidjson::SizeType size, bool) {
        const std::string key(data, size);
        if (!isUtf8Text(key, Noncharacters::taken) || std::any_of(key.begin(), key.end(), isControl))
            return refuse("a key has control characters");
        if (open_.size() == 1 && key.find('.') != std::string::npos) // would look like a path
            return refuse("a key of the outermost object has a dot");
        Level& level = open_.back();
        if (!level.keys.insert(key).second)
            return refuse(fmt::format("an object has the key {} twice", printable(key, maxShown)));
        level.key = key;
        return writer_.Key(data, size);
    }
    bool StartObject() { return begin(JsonKind::object) && writer_.StartObject(); }
    bool StartArray() { return begin(JsonKind::array) && writer_.StartArray(); }
    bool EndObject(rapidjson::SizeType size) {
        open_.pop_back();
        return writer_.EndObject(size);
    }
    bool EndArray(rapidjson::SizeType size) {
        open_.pop_back();
        return writer_.EndArray(size);
    }

private:
    struct Level {
        bool isObject;
        std::set<std::string, std::less<>> keys;
        std::string key;
    };
    static constexpr std::size_t maxShown = 40;

    bool refuse(std::string why) {
        error_ = std::move(why);
        return false;
    }

    std::string path() const {
        std::string result;
        for (const Level& level : open_)
            if (level.isObject)
                result += (result.empty() ? "" : ".") + level.key;
        return result;
    }

    // A value begins.
    bool enter(JsonKind kind, std::string_view value) {
        if (open_.empty())
            return kind == JsonKind::object || refuse("it is no object");
        const bool isMember =
            std::all_of(open_.begin(), open_.end(), [](const Level& l) { return l.isObject; });
        if (isMember && open_.size() <= 2)
            object_.members[path()] = {kind, std::string(value)};
        return true;
    }

    bool begin(JsonKind kind) {
        if (!enter(kind, ""))
            return false;
        if (open_.size() == depth_)
            return refuse(fmt::format("it is nested deeper than {}", depth_));
        open_.push_back({kind == JsonKind::object, {}, ""});
        return true;
    }

    JsonObject& object_;
    std::size_t depth_;
    const TextFilter& filter_;
    std::vector<Level> open_;
    std::string error_;
    rapidjson::StringBuffer buffer_;
    rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

} // namespace

JsonObject readObject(std::string_view line, std::size_t depth, const TextFilter& filter) {
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag |
                               rapidjson::kParseValidateEncodingFlag;
    JsonObject object;
    Copier copier(object, depth, filter);
    rapidjson::MemoryStream stream(line.data(), line.size());
    rapidjson::Reader reader;
    const rapidjson::ParseResult parsed = reader.Parse<flags>(stream, copier);
    if (!parsed && parsed.Code() == rapidjson::kParseErrorTermination)
        throw Error(errors::accessDenied, copier.error());
    if (!parsed)
        throw Error(errors::accessDenied,
                    fmt::format("it is no JSON: {} Byte {}.", rapidjson::GetParseError_En(parsed.Code()),
                                parsed.Offset()));
    if (stream.Tell() != line.size()) // RapidJSON takes NUL for the end
        throw Error(errors::accessDenied, fmt::format("it has a NUL at byte {}", stream.Tell()));
    object.text = copier.text();
    return object;
}

} // namespace xb::vchan_proxy
