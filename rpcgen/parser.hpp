// SPDX-License-Identifier: Apache-2.0
// Reads the dialect of our interface files (idl/README.md) into a Document and checks everything that it
// says: names, types, enum values, annotations, duplicates. Whatever is wrong is an InputError with file and
// line.
#pragma once

#include "rpcgen/model.hpp"
#include "rpcgen/xml_file.hpp"

namespace xb::rpcgen {

/// Most members of a kind in one interface; the index of a property is 16 bits wide.
inline constexpr std::size_t maxMembers = 4096;
/// Longest value of an annotation, in bytes.
inline constexpr std::size_t maxAnnotationLength = 1024;

/// The D-Bus side of a Document; the C++ names are still empty.
Document parse(const XmlFile& file);

} // namespace xb::rpcgen
