// SPDX-License-Identifier: Apache-2.0
// A JSON text as it was read: its values in one row, in the order of the text, each knowing where the ones
// within it end. Two blocks of memory however many values there are, and at most 12 bytes for each of the
// text.
//
// What is accepted is RFC 8259 and no more; refused are also duplicate keys, U+0000, half surrogate pairs and
// numbers beyond a double, so that nobody who reads the same text can see another message in it. Reading is
// iterative and bounded in depth.
#pragma once

#include "rpc-proxy/json/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::proxy::json {

enum class Kind : std::uint8_t {
    null,
    boolean,
    positive, ///< an integer from 0 to 2^64-1
    negative, ///< an integer from -2^63 to -1
    real,     ///< any other number
    text,
    array,
    object,
};

/// For error texts: "a string", "an array".
std::string_view describe(Kind kind);

class Values;

/// One value; borrows the Values that it is of.
class Value {
public:
    Kind kind() const;
    bool boolean() const;
    std::uint64_t positive() const;
    std::int64_t negative() const;
    double real() const;
    std::string_view text() const;
    bool isContainer() const { return kind() == Kind::array || kind() == Kind::object; }

    /// Of an array: its elements; of an object: key, value, key, value.
    class Iterator {
    public:
        Value operator*() const { return {*values_, at_}; }
        Iterator& operator++();
        bool operator==(const Iterator& other) const { return at_ == other.at_; }

    private:
        friend class Value;
        Iterator(const Values& values, std::size_t at) : values_(&values), at_(at) {}
        const Values* values_;
        std::size_t at_;
    };
    Iterator begin() const { return {*values_, at_ + 1}; }
    Iterator end() const;

    /// Where it is in the row.
    std::size_t index() const { return at_; }

private:
    friend class Values;
    Value(const Values& values, std::size_t at) : values_(&values), at_(at) {}
    const Values* values_;
    std::size_t at_;
};

/// What was read. Its texts stay where they are when it is moved.
class Values {
public:
    Values() = default;
    Values(Values&&) = default;
    Values& operator=(Values&&) = default;

    /// What is wrong with `text`, for people and without a colon; nothing: it was read whole. Otherwise what
    /// comes before the flaw may be there.
    std::optional<std::string> read(std::string_view text, const Limits& limits);

    bool empty() const { return row_.empty(); }
    Value root() const { return {*this, 0}; }
    Value at(std::size_t index) const { return {*this, index}; }
    /// The value of a key in the root, an object; also of one that could not be
    /// read whole, if something follows the value.
    std::optional<Value> member(std::string_view key) const;

private:
    friend class Value;
    friend class Value::Iterator;
    friend class ValuesBuilder;

    struct Text { // in texts_
        std::uint32_t at;
        std::uint32_t size;
    };
    struct Item {
        Kind kind;
        std::uint32_t end; // of the values within it; 0: not complete
        union {
            bool boolean;
            std::uint64_t positive;
            std::int64_t negative;
            double real;
            Text text;
        };
    };

    std::vector<Item> row_;
    std::vector<char> texts_;
};

inline Kind Value::kind() const {
    return values_->row_[at_].kind;
}
inline bool Value::boolean() const {
    return values_->row_[at_].boolean;
}
inline std::uint64_t Value::positive() const {
    return values_->row_[at_].positive;
}
inline std::int64_t Value::negative() const {
    return values_->row_[at_].negative;
}
inline double Value::real() const {
    return values_->row_[at_].real;
}
inline std::string_view Value::text() const {
    const auto& text = values_->row_[at_].text;
    return {values_->texts_.data() + text.at, text.size};
}
inline Value::Iterator Value::end() const {
    return {*values_, values_->row_[at_].end};
}
inline Value::Iterator& Value::Iterator::operator++() {
    at_ = values_->row_[at_].end;
    return *this;
}

} // namespace xb::proxy::json
