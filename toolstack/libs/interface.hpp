// SPDX-License-Identifier: Apache-2.0
// What a generated D-Bus server is made of. xc-rpcgen writes, per interface of an XML file, a class derived
// from Interface with one virtual coroutine per method (and per property, or one pair for all where the XML
// asks for a property table) and a static InterfaceInfo that says how calls reach them. ObjectServer
// (object_server.hpp) does the rest.
#pragma once

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/message.hpp"
#include "toolstack/libs/task.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xb {

class Bus;
class Interface;

/// Who made a call. The unique name is what the bus vouches for; everything else is derived from it.
struct Caller {
    std::string uniqueName;
};

/// A method call under way. Exactly one answer leaves: reply(), fail(), or, if it is dropped, an error from
/// the destructor, so that no caller ever waits in vain. Move-only.
class IncomingCall {
public:
    IncomingCall(Bus& bus, Message message);
    IncomingCall(IncomingCall&& other) noexcept;
    IncomingCall& operator=(IncomingCall&&) = delete;
    ~IncomingCall();

    Message& message() { return message_; }
    const Message& message() const { return message_; }
    Caller caller() const { return Caller{message_.sender()}; }

    /// Reads the arguments; throws xb::Error (InvalidArgs) unless the body's signature is exactly that of
    /// T...
    template <class... T>
    std::tuple<T...> arguments() {
        expectSignature(signatureOf<T...>());
        return readBody<T...>(message_);
    }

    template <class... T>
    void reply(const T&... values) {
        Message answer = newReply();
        (static_cast<void>(answer << values), ...);
        send(std::move(answer));
    }
    void fail(const std::string& errorName, const std::string& text);
    /// For replies that are built piece by piece.
    Message newReply() const;
    void send(Message reply);
    bool answered() const { return answered_; }

private:
    void expectSignature(const std::string& wanted) const;

    Bus* bus_;
    Message message_;
    bool answered_ = false;
};

/// Where a property's getter puts the value. In a GetAll the name is written with the first value, so that a
/// getter that fails leaves its property out instead of spoiling the others.
class PropertySink {
public:
    /// One value (Get).
    explicit PropertySink(Message& reply) : reply_(reply) {}
    /// An entry of a GetAll's a{sv}.
    PropertySink(Message& reply, std::string_view name) : reply_(reply), name_(name) {}

    template <class T>
    void put(const T& value) {
        const std::string signature = signatureOf<T>();
        if (name_) {
            reply_.openDictEntry("sv");
            reply_.appendText(*name_);
        }
        reply_.openVariant(signature);
        reply_ << value;
        reply_.closeVariant();
        if (name_)
            reply_.closeDictEntry();
        written_ = true;
    }
    bool written() const { return written_; }

private:
    Message& reply_;
    std::optional<std::string_view> name_;
    bool written_ = false;
};

/// A new value for a property, not read yet. get<T>() throws xb::Error (InvalidArgs) if the caller sent
/// another type.
class PropertyValue {
public:
    explicit PropertyValue(Message call, std::string name) : call_(std::move(call)), name_(std::move(name)) {}

    template <class T>
    T get() {
        const std::string signature = signatureOf<T>();
        expectType(signature);
        T value{};
        call_.enterVariant(signature);
        call_ >> value;
        call_.exitVariant();
        return value;
    }

private:
    void expectType(const std::string& signature);

    Message call_;
    std::string name_;
};

struct MethodInfo {
    std::string_view name;
    std::string_view inSignature;
    std::string_view outSignature;
    Task<> (*invoke)(std::shared_ptr<Interface> self, std::shared_ptr<IncomingCall> call);
};

struct PropertyInfo {
    std::string_view name;
    std::string_view signature;
    bool readable;
    bool writable;
};

/// The static side of a generated server: what it is called and what it has.
struct InterfaceInfo {
    std::string_view name;
    /// Sorted by name, so that a member is found by binary search.
    std::span<const MethodInfo> methods;
    /// In the order of the XML; PropertyInfo's place here is the index that readProperty and writeProperty
    /// get.
    std::span<const PropertyInfo> properties;
    /// `<interface ...>...</interface>`, for Introspect.
    std::string_view xml;
    /// Names of properties to indices, sorted by name.
    std::span<const std::uint16_t> propertiesByName;

    const MethodInfo* findMethod(std::string_view method) const;
    std::optional<std::size_t> findProperty(std::string_view property) const;
};

/// Base of generated servers. An object on the bus is a set of these; they are held by shared_ptr and stay
/// alive while one of their calls is under way.
class Interface : public std::enable_shared_from_this<Interface> {
public:
    Interface() = default;
    Interface(const Interface&) = delete;
    Interface& operator=(const Interface&) = delete;
    virtual ~Interface() = default;

    virtual const InterfaceInfo& info() const = 0;

    /// Gets the property with this index of info().properties, which is readable.
    virtual Task<> readProperty(std::size_t index, Caller caller, PropertySink& sink) = 0;
    /// Sets the property with this index, which is writable; done when the value is stored.
    virtual Task<> writeProperty(std::size_t index, Caller caller, PropertyValue value) = 0;
    /// Appends all readable properties to `reply`, inside the a{sv} that is open there. A getter that fails
    /// is logged and left out. Overridden where all values come from one place.
    virtual Task<> readAllProperties(Caller caller, Message& reply);

    /// Called when the interface is put on the bus at `path`; signals leave from there.
    void attached(Bus& bus, std::string path);
    void detached() { bus_ = nullptr; }
    const std::string& path() const { return path_; }

protected:
    /// Emits a signal of this interface from this object; does nothing before it is on the bus.
    template <class... T>
    void emitSignal(const char* member, const T&... values) {
        if (!bus_)
            return;
        Message signal = newSignal(member);
        (static_cast<void>(signal << values), ...);
        sendSignal(std::move(signal));
    }

private:
    Message newSignal(const char* member) const;
    void sendSignal(Message signal) const;

    Bus* bus_ = nullptr;
    std::string path_;
};

} // namespace xb
