// SPDX-License-Identifier: Apache-2.0
// UUIDs of VMs, as text: lower-case 8-4-4-4-12 hex digits, and the form with underscores that object paths
// and bus names use.
#pragma once

#include <string>
#include <string_view>

namespace xb {

/// A random (version 4) UUID.
std::string randomUuid();
/// Whether `text` is a UUID with dashes; hex digits of either case.
bool isUuid(std::string_view text);
/// '-' -> '_', as in /vm/<uuid_> and org.xen.vm.uuid_<uuid_>.
std::string uuidToPathElement(std::string_view uuid);
/// '_' -> '-'.
std::string uuidFromPathElement(std::string_view element);

} // namespace xb
