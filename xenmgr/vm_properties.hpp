// SPDX-License-Identifier: Apache-2.0
// The properties of a VM, as a table: where each is kept in the database, what it is when absent, and, for
// the few that are more than a database node, the function that makes or takes the value.
#pragma once

#include "toolstack/libs/interface.hpp"
#include "xenmgr/context.hpp"

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xb::xenmgr {

class Vm;

using PropertyContent = std::variant<bool, int, std::string, std::vector<ObjectPath>>;

struct VmProperty {
    enum class Type { boolean, integer, text, paths };
    using Read = PropertyContent (*)(const Context&, const Vm&, const VmProperty&);
    using ReadLater = Task<PropertyContent> (*)(const Context&, std::shared_ptr<Vm>);
    using Write = Task<> (*)(Context&, std::shared_ptr<Vm>, const VmProperty&, PropertyContent);

    std::string_view name;
    Type type = Type::text;
    std::string_view path{};       ///< below /vm/<uuid>/; empty for computed ones
    std::string_view fallback{};   ///< text of the value when the node is absent
    Read read = nullptr;           ///< instead of reading the node
    ReadLater readLater = nullptr; ///< instead of reading the node, when others must be asked
    Write write = nullptr;         ///< instead of writing the node
    bool policyChecked = true;     ///< the setter of .vm obeys policy-modify-vm-settings
    bool removeWhenEmpty = false;
    std::string_view nativeExperience{}; ///< the value while native-experience is on; empty: unaffected
};

/// All of them, by name.
std::span<const VmProperty> vmProperties();
/// The row of a name, or nullptr.
const VmProperty* findVmProperty(std::string_view name);

/// The current value of a property without readLater. Db::fresh() must have been awaited.
PropertyContent readVmProperty(const Context& context, const Vm& vm, const VmProperty& property);
/// The current value of any property.
Task<PropertyContent> fetchVmProperty(const Context& context, std::shared_ptr<Vm> vm,
                                      const VmProperty& property);
/// Stores a value; done when dbd has acknowledged it. Nothing is written, and no signal sent, when it is the
/// same.
Task<> writeVmProperty(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                       PropertyContent value);

/// Puts a value into a reply, typed as the property is.
void putContent(PropertySink& sink, const PropertyContent& content);
/// Takes a value of the property's type out of a Set.
PropertyContent takeContent(PropertyValue& value, VmProperty::Type type);

} // namespace xb::xenmgr
