// SPDX-License-Identifier: Apache-2.0
// How xec shows what an object says about itself.
#pragma once

#include "toolstack/introspection/introspection.hpp"

#include <string>

namespace xb::xec {

using introspection::Argument;
using introspection::InterfaceDescription;
using introspection::Interfaces;
using introspection::Method;
using introspection::parseIntrospection;
using introspection::Property;

/// What xec prints for an object: per interface its properties and methods.
std::string printIntrospection(const Interfaces& interfaces);

} // namespace xb::xec
