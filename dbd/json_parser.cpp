// SPDX-License-Identifier: Apache-2.0
// From JSON text to nodes: RapidJSON's iterative reader drives a builder that makes nodes as it goes.
#include "dbd/json.hpp"

#include "dbd/path.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <system_error>
#include <unordered_set>
#include <vector>

namespace xb::dbd {

namespace {

// Text that is known to be valid needs no validation of each character: that was a tenth of a start.
constexpr unsigned forCleanText = rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag |
                                  rapidjson::kParseNumbersAsStringsFlag;
constexpr unsigned forAnyText = forCleanText | rapidjson::kParseValidateEncodingFlag;
constexpr unsigned ignoringRest = rapidjson::kParseStopWhenDoneFlag;

bool isWhiteSpace(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string bytesText(std::size_t count) {
    return std::to_string(count) + " bytes";
}

/// Collects an array as compact JSON: a leaf of the tree, kept as text.
class ArrayText {
public:
    bool active() const { return !levels_.empty(); }
    std::size_t depth() const { return levels_.size(); }
    std::string& text() { return text_; }

    void open(char bracket) {
        separate();
        text_ += bracket;
        levels_.emplace_back();
    }
    void close(char bracket) {
        levels_.pop_back();
        text_ += bracket;
    }
    void scalar(std::string_view json) {
        separate();
        text_ += json;
    }
    void string(std::string_view value) {
        separate();
        appendJsonString(text_, value);
    }
    /// False: the object has this key already.
    bool key(std::string_view name) {
        Level& level = levels_.back();
        if (!level.keys.emplace(name).second)
            return false;
        separate();
        appendJsonString(text_, name);
        text_ += ':';
        level.afterKey = true;
        return true;
    }

private:
    struct Level {
        bool any = false;
        bool afterKey = false;
        std::unordered_set<std::string> keys;
    };
    void separate() {
        if (levels_.empty())
            return;
        Level& level = levels_.back();
        if (level.any && !level.afterKey)
            text_ += ',';
        level.any = true;
        level.afterKey = false;
    }
    std::vector<Level> levels_;
    std::string text_;
};

/// What was changed in a damaged text. Nobody reads thousands of lines: they are counted.
class Changes {
public:
    explicit Changes(std::vector<std::string>& list) : list_(list) {}
    void add(std::string text) {
        if (list_.size() < listed)
            list_.push_back(std::move(text));
        else
            ++more_;
    }
    void clear() {
        list_.clear();
        more_ = 0;
    }
    void finish() {
        if (more_ > 0)
            list_.push_back("and " + std::to_string(more_) + " more of that kind");
    }

private:
    static constexpr std::size_t listed = 20;
    std::vector<std::string>& list_;
    std::size_t more_ = 0;
};

/// The SAX handler. Owns the nodes made so far; a refusal leaves its reason in error(). With `changes` it
/// mends what parseDamaged() names.
class Builder {
public:
    /// `plain`: no string of the text can be anything but clean.
    Builder(const Limits& limits, std::size_t depth, bool plain, Changes* changes)
        : limits_(limits), depth_(depth), plain_(plain), changes_(changes), root_(Node::make({})),
          current_(root_.get()) {}

    const std::string& error() const { return error_; }
    NodePtr takeRoot() { return std::move(root_); }
    /// Of the root. What was left out counts too.
    TreeSize size() const { return {nodes_, bytes_}; }

    // The names and signatures below are RapidJSON's.
    bool Null() { return value(NodeKind::Empty, {}, "null"); }
    bool Bool(bool b) { return value(b ? NodeKind::True : NodeKind::False, {}, b ? "true" : "false"); }
    bool Int(int) { return refuse("a number came decoded"); } // numbers arrive as RawNumber
    bool Uint(unsigned) { return Int(0); }
    bool Int64(std::int64_t) { return Int(0); }
    bool Uint64(std::uint64_t) { return Int(0); }
    bool Double(double) { return Int(0); }

    bool RawNumber(const char* data, rapidjson::SizeType length, bool) {
        const std::string_view text(data, length);
        if (!checkText(text, "a number"))
            return false;
        const bool integer = text.find_first_of(".eE") == std::string_view::npos;
        if (!integer) {
            double number = 0;
            const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
            if (result.ec == std::errc::result_out_of_range && exponentIsPositive(text))
                return refuse("the number " + forMessage(text) + " is out of range");
        }
        return value(integer ? NodeKind::Integer : NodeKind::Float, text, text);
    }

    bool String(const char* data, rapidjson::SizeType length, bool) {
        const std::string_view text(data, length);
        if (!checkText(text, "a string"))
            return false;
        if (!array_.active())
            return value(NodeKind::String, text, {});
        array_.string(text);
        return checkArraySize();
    }

    bool StartObject() {
        if (!checkDepth())
            return false;
        if (array_.active()) {
            array_.open('{');
            return true;
        }
        current_->setNodes();
        ++level_;
        return true;
    }

    bool Key(const char* data, rapidjson::SizeType length, bool) {
        const std::string_view name(data, length);
        if (!checkText(name, "a key"))
            return false;
        if (array_.active())
            return array_.key(name) ? checkArraySize() : duplicate(name);
        const bool reachable = !name.empty() && name.find('/') == std::string_view::npos;
        if (!reachable && changes_ != nullptr)
            return leaveOut(name, "no path reaches it");
        if (!reachable)
            return refuse("the key \"" + forMessage(name) +
                          "\" is empty or contains a '/', so that no path could reach it");
        if (name.size() > std::min(limits_.nameBytes, Limits::maxNameBytes))
            return refuse("a key has " + bytesText(name.size()) + ", the limit is " +
                          std::to_string(limits_.nameBytes) + ": \"" + forMessage(name) + "\"");
        Node* const node = current_->appendNew(name);
        if (node == nullptr)
            return changes_ != nullptr ? leaveOut(name, "it is there before") : duplicate(name);
        if (++nodes_ > limits_.nodes)
            return refuse("there are more than " + std::to_string(limits_.nodes) + " nodes");
        bytes_ += name.size();
        current_ = node;
        return true;
    }

    bool EndObject(rapidjson::SizeType) {
        if (array_.active()) {
            array_.close('}');
            return true;
        }
        --level_;
        finishValue();
        return true;
    }

    bool StartArray() {
        if (!checkDepth())
            return false;
        array_.open('[');
        return true;
    }

    bool EndArray(rapidjson::SizeType) {
        array_.close(']');
        if (!checkArraySize())
            return false;
        if (!array_.active()) {
            bytes_ += array_.text().size();
            current_->setValue(NodeKind::Array, array_.text());
            array_.text().clear();
            finishValue();
        }
        return true;
    }

private:
    bool refuse(std::string why) {
        error_ = std::move(why);
        return false;
    }
    bool duplicate(std::string_view name) { return refuse("duplicate key \"" + forMessage(name) + "\""); }

    static bool exponentIsPositive(std::string_view number) {
        const auto exponent = number.find_first_of("eE");
        return exponent == std::string_view::npos || number.substr(exponent + 1, 1) != "-";
    }

    bool checkDepth() {
        const std::size_t depth = depth_ + level_ + array_.depth();
        if (depth < limits_.depth)
            return true;
        return refuse("nesting is deeper than the limit of " + std::to_string(limits_.depth));
    }
    bool checkText(std::string_view text, const char* what) {
        if (text.size() > limits_.valueBytes)
            return refuse(std::string(what) + " has " + bytesText(text.size()) + ", the limit is " +
                          std::to_string(limits_.valueBytes));
        if (plain_ || isCleanText(text))
            return true;
        if (text.find('\0') != std::string_view::npos)
            return refuse(std::string(what) + " contains the character NUL, which D-Bus cannot carry");
        // RapidJSON takes the second half of a surrogate pair without the first, and noncharacters.
        return refuse(std::string(what) +
                      " contains half of a surrogate pair or a noncharacter, which D-Bus cannot carry");
    }
    bool checkArraySize() {
        if (array_.text().size() <= limits_.valueBytes)
            return true;
        return refuse("an array has more than the limit of " + bytesText(limits_.valueBytes));
    }

    bool value(NodeKind kind, std::string_view text, std::string_view json) {
        if (array_.active()) {
            array_.scalar(json);
            return checkArraySize();
        }
        bytes_ += text.size();
        current_->setValue(kind, text);
        finishValue();
        return true;
    }
    /// Reads the member that follows into a node that nobody gets.
    bool leaveOut(std::string_view name, const std::string& why) {
        const std::string in = current_->name().empty() ? "" : " in \"" + forMessage(current_->name()) + "\"";
        changes_->add("the key \"" + forMessage(name) + "\"" + in + " is left out: " + why);
        leftOut_.push_back({Node::make({}), current_});
        current_ = leftOut_.back().node.get();
        return true;
    }
    void finishValue() {
        if (!leftOut_.empty() && current_ == leftOut_.back().node.get()) {
            current_ = leftOut_.back().above;
            leftOut_.pop_back();
        } else if (current_ != root_.get())
            current_ = current_->parent();
    }

    const Limits& limits_;
    std::size_t depth_; // of the root in the whole tree
    bool plain_;
    Changes* changes_;      // nullptr: nothing is mended
    std::size_t level_ = 0; // open objects
    std::size_t nodes_ = 1;
    std::size_t bytes_ = 0;
    NodePtr root_;
    Node* current_;
    struct LeftOut {
        NodePtr node;
        Node* above;
    };
    std::vector<LeftOut> leftOut_; // a member, one in it, and so on
    ArrayText array_;
    std::string error_;
};

/// Walks over JSON text and knows whether it is inside a string; enough to find raw control characters there.
class StringTracker {
public:
    /// Whether `c` is a raw control character inside a string.
    bool isRawControl(char c) {
        const bool raw = inString_ && static_cast<unsigned char>(c) < 0x20;
        if (inString_ && escaped_)
            escaped_ = false;
        else if (inString_ && c == '\\')
            escaped_ = true;
        else if (c == '"')
            inString_ = !inString_;
        return raw;
    }

private:
    bool inString_ = false;
    bool escaped_ = false;
};

constexpr std::size_t escapeLength = 6; // of \u00XX

/// Raw control characters inside strings are against the letter of JSON, but existing files and clients have
/// them.
std::string escapeRawControls(std::string_view text) {
    std::string result;
    result.reserve(text.size() + text.size() / 16);
    StringTracker tracker;
    for (const char c : text) {
        if (!tracker.isRawControl(c)) {
            result += c;
            continue;
        }
        char escape[escapeLength + 1];
        std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(static_cast<unsigned char>(c)));
        result += escape;
    }
    return result;
}

/// The offset in the original text that corresponds to `escapedOffset` in escapeRawControls(text).
std::size_t originalOffset(std::string_view text, std::size_t escapedOffset) {
    StringTracker tracker;
    std::size_t escaped = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (escaped >= escapedOffset)
            return at;
        escaped += tracker.isRawControl(text[at]) ? escapeLength : 1;
    }
    return text.size();
}

ParseResult failure(std::string_view text, std::size_t offset, std::string error) {
    ParseResult result;
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    const auto lineStart = before.rfind('\n');
    result.line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    result.column = 1 + (lineStart == std::string_view::npos ? before.size() : before.size() - lineStart - 1);
    result.error = std::move(error);
    return result;
}

/// "01" or "1x": the reader stops behind the digit when told to ignore what follows.
bool endsInsideNumber(std::string_view text, std::size_t end) {
    if (end == 0 || end >= text.size() || text[end - 1] < '0' || text[end - 1] > '9')
        return false;
    const char c = text[end];
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '+' || c == '-';
}

struct Attempt {
    NodePtr node;
    TreeSize size;
    bool rawControl = false; // the only complaint is a raw control character in a string
    std::size_t offset = 0;
    std::string error;
};

/// `valid`: the whole text is known to be valid UTF-8.
rapidjson::ParseResult read(rapidjson::MemoryStream& stream, Builder& builder, Trailing trailing,
                            bool valid) {
    rapidjson::Reader reader;
    if (trailing == Trailing::Ignored)
        return valid ? reader.Parse<forCleanText | ignoringRest>(stream, builder)
                     : reader.Parse<forAnyText | ignoringRest>(stream, builder);
    return valid ? reader.Parse<forCleanText>(stream, builder) : reader.Parse<forAnyText>(stream, builder);
}

Attempt attempt(std::string_view text, Trailing trailing, const Limits& limits, std::size_t depth,
                Changes* changes) {
    Attempt result;
    const bool valid = isCleanText(text);
    // Without escapes strings hold what the text holds.
    Builder builder(limits, depth, valid && text.find('\\') == std::string_view::npos, changes);
    rapidjson::MemoryStream stream(text.data(), text.size());
    const rapidjson::ParseResult parsed = read(stream, builder, trailing, valid);
    result.offset = parsed ? stream.Tell() : parsed.Offset();
    if (parsed && endsInsideNumber(text, result.offset)) {
        result.error = "Invalid number.";
    } else if (parsed) {
        result.node = builder.takeRoot();
        result.size = changes == nullptr ? builder.size() : result.node->measure();
    } else if (parsed.Code() == rapidjson::kParseErrorTermination) {
        result.error = builder.error();
    } else {
        result.rawControl = result.offset < text.size() &&
                            parsed.Code() == rapidjson::kParseErrorStringEscapeInvalid &&
                            static_cast<unsigned char>(text[result.offset]) < 0x20;
        result.error = rapidjson::GetParseError_En(parsed.Code());
    }
    return result;
}

} // namespace

std::string ParseResult::place() const {
    return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + error;
}

bool isBlank(std::string_view text) {
    return std::ranges::all_of(text, isWhiteSpace);
}

namespace {

/// `end`: of the value, if there is one.
ParseResult parseWith(std::string_view text, Trailing trailing, const Limits& limits, std::size_t depth,
                      Changes* changes, std::size_t& end) {
    if (const auto nul = text.find('\0'); nul != std::string_view::npos)
        return failure(text, nul, "there is a NUL byte");
    if (isBlank(text))
        return failure(text, text.size(), "there is no value, only white space");
    ParseResult result;
    Attempt first = attempt(text, trailing, limits, depth, changes);
    end = first.offset;
    if (!first.rawControl) {
        if (first.node == nullptr)
            return failure(text, first.offset, std::move(first.error));
        result.node = std::move(first.node);
        result.size = first.size;
        return result;
    }
    const std::string escaped = escapeRawControls(text);
    if (changes != nullptr)
        changes->clear();
    Attempt second = attempt(escaped, trailing, limits, depth, changes);
    end = originalOffset(text, second.offset);
    if (second.node == nullptr)
        return failure(text, originalOffset(text, second.offset), std::move(second.error));
    result.node = std::move(second.node);
    result.size = second.size;
    return result;
}

} // namespace

ParseResult parseJson(std::string_view text, Trailing trailing, const Limits& limits, std::size_t depth) {
    std::size_t end = 0;
    return parseWith(text, trailing, limits, depth, nullptr, end);
}

ParseResult parseDamaged(std::string_view text, const Limits& limits, std::size_t depth,
                         std::vector<std::string>& changes) {
    const auto last = text.find_last_not_of('\0');
    const std::size_t nuls = last == std::string_view::npos ? 0 : text.size() - last - 1;
    text.remove_suffix(nuls);
    std::size_t end = 0;
    const auto mend = [&](Trailing trailing) {
        changes.clear();
        Changes done(changes);
        ParseResult result = parseWith(text, trailing, limits, depth, &done, end);
        done.finish();
        return result;
    };
    ParseResult result = mend(Trailing::Refused);
    if (result.node == nullptr) {
        ParseResult beginning = mend(Trailing::Ignored);
        const bool whole =
            beginning.node != nullptr && beginning.node->isInner() && text.substr(0, end).ends_with("\n}");
        if (!whole)
            return result;
        result = std::move(beginning);
        changes.push_back("what follows the value, " + bytesText(text.size() - end) + ", is left out");
    }
    if (nuls > 0)
        changes.push_back(std::to_string(nuls) + " NUL bytes at its end are left out");
    return result;
}

} // namespace xb::dbd
