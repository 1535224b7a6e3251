// SPDX-License-Identifier: Apache-2.0
// An interface whose members are made up at run time by a test: methods as functions, properties as values.
#pragma once

#include "toolstack/libs/bus.hpp"
#include "toolstack/xec/value.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xb::test {

class FakeInterface : public Interface {
public:
    using Handler = std::function<Task<>(std::shared_ptr<IncomingCall>)>;

    explicit FakeInterface(std::string name) : name_(std::move(name)) {}

    /// Adds a method; call before the interface is put on the bus. `annotation` is XML inside of <method>.
    void method(const std::string& name, const std::string& in, const std::string& out, Handler handler,
                const std::string& annotation = "");
    void property(const std::string& name, const std::string& access, xec::Value value);

    /// A property's present value.
    xec::Value& value(const std::string& name);
    /// Makes reads and writes of a property fail with this error.
    void fail(const std::string& property, const Error& error) {
        failures_.insert_or_assign(property, error);
    }

    template <class... T>
    void emit(const char* member, const T&... values) {
        emitSignal(member, values...);
    }

    const InterfaceInfo& info() const override;
    Task<> readProperty(std::size_t index, Caller caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller caller, PropertyValue value) override;

    /// Calls of properties' Get so far.
    int reads = 0;

private:
    static Task<> invoke(std::shared_ptr<Interface> self, std::shared_ptr<IncomingCall> call);
    void check(const std::string& property) const;

    struct Method {
        std::string in;
        std::string out;
        std::string annotation;
        Handler handler;
    };

    std::string name_;
    std::map<std::string, Method> methods_;
    std::deque<std::pair<std::string, xec::Value>> properties_;
    std::map<std::string, std::string> access_;
    std::map<std::string, Error> failures_;

    // What info() is made of, built when it is first asked for.
    mutable std::vector<MethodInfo> methodInfos_;
    mutable std::vector<PropertyInfo> propertyInfos_;
    mutable std::vector<std::uint16_t> byName_;
    mutable std::string xml_;
    mutable InterfaceInfo info_{};
};

xec::Value text(const std::string& value);
xec::Value number(std::int32_t value);
xec::Value boolean(bool value);

} // namespace xb::test
