// SPDX-License-Identifier: Apache-2.0
// Every header of Xen's C libraries that this folder uses, in one place: they have no extern "C" of their own
// and use extensions of GNU C. LIBXL_API_VERSION (set by CMakeLists.txt) selects the API of 4.14 and later.
#pragma once

#ifndef LIBXL_API_VERSION
#error "LIBXL_API_VERSION must be defined before libxl.h"
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wcast-align"
// Xen's public headers are made for gnu++, of which only this macro tells them.
#pragma push_macro("__STRICT_ANSI__")
#undef __STRICT_ANSI__
extern "C" {
#include <libxl.h>
#include <libxl_event.h>
#include <libxl_utils.h>
#include <xenctrl.h>
#include <xentoollog.h>
// After xenctrl.h, which makes Xen's public headers complete.
#include <xen/hvm/params.h>
}
#pragma pop_macro("__STRICT_ANSI__")
#pragma GCC diagnostic pop
