// SPDX-License-Identifier: Apache-2.0
// Hostile: a word of a command line (scripts build them of anything), for a type that another program named.
// What is accepted goes into a message and comes out the same, and its JSON is JSON. The input is "TYPE
// WORD".
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/plain_message.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/xec/value_json.hpp"
#include "toolstack/xec/value_parser.hpp"
#include "toolstack/xec/value_printer.hpp"

#include <rapidjson/document.h>

namespace xb::fuzz {

namespace {

using namespace xb::xec;

void checkMessage(const Value& value) {
    Message message = plainMessage();
    append(message, value);
    message.seal();
    message.rewind(true);
    const std::vector<Value> values = readValues(message);
    expect(values.size() == 1 && values[0] == value, "a value comes out of a message as it went in");
}

void checkJson(const Value& value) {
    for (const JsonStyle style : {JsonStyle::compact, JsonStyle::pretty}) {
        const std::string text = writeJson(style, [&](JsonSink& sink) { sink.value(value); });
        rapidjson::Document document;
        document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(),
                                                                                               text.size());
        expect(!document.HasParseError(), "a value's JSON is JSON: " + text);
    }
}

void run(std::string_view input) {
    const auto blank = input.find(' ');
    const std::string_view word =
        blank == std::string_view::npos ? std::string_view() : input.substr(blank + 1);
    try {
        const Type type = parseType(input.substr(0, blank));
        const Value value = parseValue(type, word);
        expect(value.type == type.text(), "a value has the type that it was read for");
        checkMessage(value);
        checkJson(value);
        static_cast<void>(printValue(value));
    } catch (const Error& e) {
        expect(*e.what() != 0, "an error says why");
    }
    static_cast<void>(quoteBytes(word));
}

const Target target("xec_value", run);

} // namespace

} // namespace xb::fuzz
