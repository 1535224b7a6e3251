// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/error.hpp"

#include <system_error>

namespace xb {

Error systemError(std::string_view what, int errnoValue) {
    return Error(std::string(what) + ": " + std::generic_category().message(errnoValue));
}

} // namespace xb
