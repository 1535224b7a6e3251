// SPDX-License-Identifier: Apache-2.0
// D-Bus values as JSON, for --json. The mapping is part of the tools' interface (xec(1), "JSON OUTPUT"):
// booleans, numbers and strings as such; arrays and structs as arrays; dictionaries as objects, their keys as
// text; a variant as what is in it; bytes as an array of numbers; NaN and infinities as null.
#pragma once

#include "toolstack/xec/value.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xec {

enum class JsonStyle { compact, pretty };

/// Where JSON is written to; what begins must end.
class JsonSink {
public:
    virtual ~JsonSink() = default;
    virtual void beginArray() = 0;
    virtual void endArray() = 0;
    virtual void beginObject() = 0;
    virtual void endObject() = 0;
    virtual void key(std::string_view name) = 0;
    virtual void text(std::string_view value) = 0;
    virtual void null() = 0;
    virtual void value(const Value& value) = 0;

    void texts(const std::vector<std::string>& values) {
        beginArray();
        for (const std::string& one : values)
            text(one);
        endArray();
    }
};

/// The document that `fill` writes, with a newline at its end.
std::string writeJson(JsonStyle style, const std::function<void(JsonSink&)>& fill);

} // namespace xb::xec
