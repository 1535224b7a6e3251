// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/templates.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/utf8.hpp"
#include "xenmgr/host_files.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace xb::xenmgr {

namespace {

constexpr std::string_view servicePrefix = "service-";
constexpr std::string_view childPrefix = "child-";
constexpr std::size_t shownKeyLength = 64;
constexpr unsigned parseFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

// Counts nesting before any value is built: RapidJSON's own destructor and writer recurse.
unsigned depthOf(const std::string& text) {
    unsigned depth = 0;
    unsigned deepest = 0;
    bool inString = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                inString = false;
        } else if (c == '"') {
            inString = true;
        } else if (c == '{' || c == '[') {
            deepest = std::max(deepest, ++depth);
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return deepest;
}

// A NUL, spelled out or escaped: no value of the database can hold one.
bool holdsNul(const std::string& text) {
    constexpr std::string_view escapedNul = "\\u0000";
    if (text.find('\0') != std::string::npos)
        return true;
    for (std::size_t i = text.find('\\'); i != std::string::npos; i = text.find('\\', i + 2))
        if (text.compare(i, escapedNul.size(), escapedNul) == 0)
            return true;
    return false;
}

std::string placeOf(const std::string& text, std::size_t offset) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
    const auto line = 1 + std::count(text.begin(), end, '\n');
    const auto start = std::find(std::make_reverse_iterator(end), text.rend(), '\n').base();
    return "line " + std::to_string(line) + ", column " + std::to_string(end - start + 1);
}

std::string_view viewOf(const rapidjson::Value& text) {
    return {text.GetString(), text.GetStringLength()};
}

// What RapidJSON takes and the database does not: keys that are there twice, the second half of a
// surrogate pair without the first, and numbers that no double holds, which it cannot write. At most
// templateDepthLimit deep.
void checkValue(const rapidjson::Value& value, const std::string& what) {
    const auto checkText = [&what](std::string_view text) {
        if (!isBusText(text))
            throw Error(errors::invalidArgs, what + " holds half of a surrogate pair, which is no character");
    };
    if (value.IsString())
        checkText(viewOf(value));
    if (value.IsDouble() && !std::isfinite(value.GetDouble()))
        throw Error(errors::invalidArgs, what + " holds a number that is out of range");
    if (value.IsArray())
        for (const auto& element : value.GetArray())
            checkValue(element, what);
    if (!value.IsObject())
        return;
    std::set<std::string_view> keys;
    for (const auto& member : value.GetObject()) {
        const std::string_view key = viewOf(member.name);
        checkText(key);
        if (!keys.insert(key).second)
            throw Error(errors::invalidArgs,
                        what + " has the key \"" + printable(key, shownKeyLength) + "\" twice");
        checkValue(member.value, what);
    }
}

rapidjson::Document parseObject(const std::string& text, const std::string& what) {
    if (text.size() > templateLimit)
        throw Error(errors::limitsExceeded,
                    what + " is larger than " + std::to_string(templateLimit) + " bytes");
    if (holdsNul(text))
        throw Error(errors::invalidArgs, what + " holds a NUL byte");
    if (depthOf(text) > templateDepthLimit)
        throw Error(errors::limitsExceeded,
                    what + " is nested deeper than " + std::to_string(templateDepthLimit) + " levels");
    rapidjson::Document document;
    document.Parse<parseFlags>(text.data(), text.size());
    if (document.HasParseError())
        throw Error(errors::invalidArgs, what + " is not JSON: " + placeOf(text, document.GetErrorOffset()) +
                                             ": " + rapidjson::GetParseError_En(document.GetParseError()));
    if (!document.IsObject())
        throw Error(errors::invalidArgs, what + " is not a JSON object");
    checkValue(document, what);
    return document;
}

void merge(rapidjson::Value& base, const rapidjson::Value& changes,
           rapidjson::Document::AllocatorType& allocator) {
    for (const auto& member : changes.GetObject()) {
        auto it = base.FindMember(member.name);
        if (it != base.MemberEnd() && it->value.IsObject() && member.value.IsObject()) {
            merge(it->value, member.value, allocator); // at most templateDepthLimit deep
            continue;
        }
        rapidjson::Value value(member.value, allocator);
        if (it != base.MemberEnd())
            it->value = std::move(value);
        else
            base.AddMember(rapidjson::Value(member.name, allocator), value, allocator);
    }
}

std::string textOf(const rapidjson::Value& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value.Accept(writer);
    return std::string(buffer.GetString(), buffer.GetSize());
}

bool isTemplateName(const std::string& name) {
    return !name.empty() && name.front() != '.' && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '+';
    });
}

} // namespace

std::vector<std::string> Templates::files() const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, error))
        if (entry.is_regular_file(error) && isTemplateName(entry.path().filename()))
            names.push_back(entry.path().filename());
    if (error)
        log::warn("cannot list the templates in {}: {}", directory_.string(), error.message());
    std::ranges::sort(names);
    return names;
}

std::vector<std::string> Templates::names() const {
    auto all = files();
    std::erase_if(all, [](const auto& name) {
        return name.starts_with(servicePrefix) || name.starts_with(childPrefix);
    });
    return all;
}

std::vector<std::string> Templates::childNames() const {
    std::vector<std::string> children;
    for (const auto& name : files())
        if (name.starts_with(childPrefix))
            children.push_back(name.substr(childPrefix.size()));
    return children;
}

std::vector<StringMap> Templates::selectable() const {
    std::vector<StringMap> result;
    for (const auto& name : names()) {
        try {
            const std::string json = load(name);
            if (jsonMember(json, "ui-selectable") == "true")
                result.push_back(
                    StringMap{{"template", name}, {"description", jsonMember(json, "description")}});
        } catch (const Error& e) {
            log::warn("leaving out a template: {}", e.what());
        }
    }
    return result;
}

std::string Templates::load(const std::string& name) const {
    if (name.empty())
        return "{}";
    if (!isTemplateName(name))
        throw Error(errors::invalidArgs, "\"" + name + "\" is not the name of a template");
    const auto file = directory_ / name;
    auto text = readFileIfThere(file, templateLimit);
    if (!text)
        throw Error("no template \"" + name + "\" in " + directory_.string() +
                    "; list_templates names those there are");
    static_cast<void>(parseObject(*text, "template " + file.string()));
    return std::move(*text);
}

std::string mergeJson(const std::string& base, const std::string& changes, const std::string& what) {
    auto document = parseObject(base, "the template");
    const auto other = parseObject(changes, what);
    merge(document, other, document.GetAllocator());
    return textOf(document);
}

std::string jsonMember(const std::string& json, const std::string& member) {
    const auto document = parseObject(json, "the template");
    const auto it = document.FindMember(member.c_str());
    if (it == document.MemberEnd() || !it->value.IsString())
        return "";
    return std::string(it->value.GetString(), it->value.GetStringLength());
}

std::string withJsonMember(const std::string& json, const std::string& member, const std::string& value) {
    auto document = parseObject(json, "the template");
    auto& allocator = document.GetAllocator();
    rapidjson::Value text(value.data(), static_cast<rapidjson::SizeType>(value.size()), allocator);
    if (auto it = document.FindMember(member.c_str()); it != document.MemberEnd())
        it->value = std::move(text);
    else
        document.AddMember(rapidjson::Value(member.c_str(), allocator), text, allocator);
    return textOf(document);
}

} // namespace xb::xenmgr
