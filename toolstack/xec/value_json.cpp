// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/value_json.hpp"

#include "toolstack/xec/value_printer.hpp"

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

namespace xb::xec {

namespace {

template <class Writer>
class RapidSink : public JsonSink {
public:
    explicit RapidSink(Writer& writer) : writer_(writer) {}

    void beginArray() override { writer_.StartArray(); }
    void endArray() override { writer_.EndArray(); }
    void beginObject() override { writer_.StartObject(); }
    void endObject() override { writer_.EndObject(); }
    void key(std::string_view name) override { writer_.Key(name.data(), length(name)); }
    void text(std::string_view value) override { writer_.String(value.data(), length(value)); }
    void null() override { writer_.Null(); }

    void value(const Value& value) override {
        std::visit([&](const auto& data) { put(value, data); }, value.data);
    }

private:
    static rapidjson::SizeType length(std::string_view text) {
        return static_cast<rapidjson::SizeType>(text.size());
    }

    void put(const Value& /*value*/, bool data) { writer_.Bool(data); }
    void put(const Value& /*value*/, std::int64_t data) { writer_.Int64(data); }
    void put(const Value& /*value*/, std::uint64_t data) { writer_.Uint64(data); }
    void put(const Value& /*value*/, double data) {
        if (std::isfinite(data))
            writer_.Double(data);
        else
            writer_.Null();
    }
    void put(const Value& value, const std::string& data) {
        if (!value.isBytes()) {
            text(data);
            return;
        }
        beginArray();
        for (const char c : data)
            writer_.Uint(static_cast<unsigned char>(c));
        endArray();
    }
    void put(const Value& value, const Value::Members& members) {
        if (value.type == "v") {
            this->value(members.at(0));
        } else if (value.isDict()) {
            beginObject();
            for (const Value& entry : members) {
                key(printValue(entry.members()[0]));
                this->value(entry.members()[1]);
            }
            endObject();
        } else {
            beginArray();
            for (const Value& member : members)
                this->value(member);
            endArray();
        }
    }

    Writer& writer_;
};

} // namespace

std::string writeJson(JsonStyle style, const std::function<void(JsonSink&)>& fill) {
    rapidjson::StringBuffer buffer;
    if (style == JsonStyle::pretty) {
        rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
        writer.SetIndent(' ', 2);
        RapidSink sink(writer);
        fill(sink);
    } else {
        rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
        RapidSink sink(writer);
        fill(sink);
    }
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

} // namespace xb::xec
