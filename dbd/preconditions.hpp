// SPDX-License-Identifier: Apache-2.0
// What must hold before a change is made.
#pragma once

#include "dbd/view.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace xb::dbd {

/// The error of a precondition that does not hold.
inline constexpr auto checkFailedError = "org.xenbroker.Error.CheckFailed";

/// Of the tree as it is before the change. The texts belong to somebody else.
struct Precondition {
    std::size_t number = 0;                ///< of the step, from 1
    std::string_view path;                 ///< as the caller says it
    std::optional<std::string_view> value; ///< what read gives; nothing: there is no node
};

/// Throws the first that does not hold: its number, the path, what was expected and what is there.
void require(const Tree& tree, const View& view, std::span<const Precondition> preconditions);

} // namespace xb::dbd
