// SPDX-License-Identifier: Apache-2.0
// Gives everything in a Document its C++ name. The names of a file depend on nothing but that file, and are
// the same in servers and clients.
#pragma once

#include "rpcgen/model.hpp"

namespace xb::rpcgen {

/// Fills in the cpp... members. Throws InputError when two interfaces would be the same class.
void chooseNames(Document& document);

} // namespace xb::rpcgen
