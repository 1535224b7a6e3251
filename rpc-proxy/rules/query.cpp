// SPDX-License-Identifier: Apache-2.0
// The table of query.hpp, row by row.
#include "rpc-proxy/rules/query.hpp"

#include "rpc-proxy/rules/parser.hpp"

namespace xb::proxy::rules {

namespace {

Truth equal(std::optional<std::string_view> field, std::string_view value) {
    if (!field)
        return Truth::unknown;
    return *field == value ? Truth::holds : Truth::fails;
}

Truth interfaceTruth(std::string_view value, const Message& message) {
    const Truth own = equal(message.interface, value);
    if (own != Truth::fails || !isPropertyCall(message))
        return own;
    if (!message.arg0 || message.arg0->empty())
        return Truth::unknown;
    return equal(message.arg0, value);
}

template <class T>
const T* known(std::string_view name, const Subject& subject, const Properties& properties) {
    const auto found = properties.find(name);
    return subject.uuid && found != properties.end() ? std::get_if<T>(&found->second) : nullptr;
}

Truth textProperty(std::string_view name, const Condition& condition, const Subject& subject,
                   const Properties& properties) {
    const auto* value = known<std::string>(name, subject, properties);
    return value == nullptr ? Truth::unknown : equal(*value, condition.text);
}

} // namespace

bool isPropertyCall(const Message& message) {
    return message.type == MessageType::methodCall && message.interface == propertiesInterface &&
           (message.member == "Get" || message.member == "Set" || message.member == "GetAll");
}

Truth truthOf(const Condition& condition, const Message& message) {
    switch (condition.field) {
    case Field::destination:
        return equal(message.destination, condition.text);
    case Field::interface:
        return interfaceTruth(condition.text, message);
    case Field::member:
        return equal(message.member, condition.text);
    case Field::sender:
        return message.direction == Direction::incoming ? Truth::unknown
                                                        : equal(message.sender, condition.text);
    case Field::arg0:
        return equal(message.arg0, condition.text);
    default: // of the peer
        return Truth::unknown;
    }
}

Truth truthOf(const Condition& condition, const Subject& subject, const Properties& properties) {
    switch (condition.field) {
    case Field::domUuid: {
        const std::string uuid = subject.uuid ? canonicalUuid(*subject.uuid) : "";
        return uuid.empty() ? Truth::unknown : equal(uuid, condition.text);
    }
    case Field::domId:
        return subject.domid ? equal(std::to_string(*subject.domid), condition.text) : Truth::unknown;
    case Field::domType:
        return textProperty(typeProperty, condition, subject, properties);
    case Field::domName:
        return textProperty(nameProperty, condition, subject, properties);
    case Field::ifBoolean: {
        const auto* value = known<bool>(condition.text, subject, properties);
        if (value == nullptr)
            return Truth::unknown;
        return *value == condition.truth ? Truth::holds : Truth::fails;
    }
    default: // of the message
        return Truth::unknown;
    }
}

Truth truthOf(Rule::Stubdom stubdom, const Subject& subject) {
    if (stubdom == Rule::Stubdom::any)
        return Truth::holds;
    if (!subject.stubdom)
        return Truth::unknown;
    return *subject.stubdom == (stubdom == Rule::Stubdom::yes) ? Truth::holds : Truth::fails;
}

} // namespace xb::proxy::rules
