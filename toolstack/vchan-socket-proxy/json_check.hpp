// SPDX-License-Identifier: Apache-2.0
// A JSON text that comes from somebody who may want two parsers to understand it differently: read once,
// bounded in depth, and written anew, so that who reads the result next sees what was checked and nothing
// else. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace xb::vchan_proxy {

enum class JsonKind { null, boolean, number, text, array, object };

/// A member of the root object, or (Name: "error.desc") of an object that is one.
struct JsonMember {
    JsonKind kind = JsonKind::null;
    /// Of a text: what it says; of a number: its digits.
    std::string value;
};

struct JsonObject {
    std::map<std::string, JsonMember, std::less<>> members;
    /// The whole object as one line, without its end.
    std::string text;

    const JsonMember* find(std::string_view name) const {
        const auto found = members.find(name);
        return found == members.end() ? nullptr : &found->second;
    }
};

/// Changes a text before it is written and remembered. `path`: the keys above it with dots between; elements
/// of arrays have the path of their array.
using TextFilter = std::function<std::string(std::string_view path, std::string_view text)>;

/// Reads `line`, which must be one object: RFC 8259, UTF-8, no key twice, no U+0000, no control characters in
/// keys, numbers that a double holds, not deeper than `depth`. Throws xb::Error saying what is wrong.
JsonObject readObject(std::string_view line, std::size_t depth, const TextFilter& filter);

} // namespace xb::vchan_proxy
