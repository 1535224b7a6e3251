// SPDX-License-Identifier: Apache-2.0
// What is wrong with an interface file, and where.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace xb::rpcgen {

/// A mistake in an interface file; what() is `FILE:LINE: message`.
class InputError : public std::runtime_error {
public:
    InputError(const std::string& file, std::size_t line, const std::string& message)
        : std::runtime_error(fmt::format("{}:{}: {}", file, line, message)) {}
};

/// A failure that has no place in the file: it cannot be read, an output cannot be written, something is not
/// supported.
class ToolError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace xb::rpcgen
