// SPDX-License-Identifier: Apache-2.0
// Grants and event channels within one process: what libxenvchan takes from libxengnttab and libxenevtchn, so
// that the library itself runs in tests without Xen. Domains are not told apart: everybody may open what was
// offered to anybody. Functions of those libraries that libxenvchan does not use are the real ones.
#pragma once

#include <cstddef>

namespace xb::xen::test {

/// Pages that may be shared at once, as xen_gntalloc.limit.
void setGrantLimit(std::size_t pages);
std::size_t sharedPages();

} // namespace xb::xen::test
