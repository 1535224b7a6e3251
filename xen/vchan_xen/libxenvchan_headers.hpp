// SPDX-License-Identifier: Apache-2.0
// Xen's headers of vchan, event channels and grants, which know nothing of C++.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wconversion"
// Xen's public headers are made for gnu++, of which only this macro tells them.
#pragma push_macro("__STRICT_ANSI__")
#undef __STRICT_ANSI__
extern "C" {
#include <libxenvchan.h>
}
#pragma pop_macro("__STRICT_ANSI__")
#pragma GCC diagnostic pop
