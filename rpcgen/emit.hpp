// SPDX-License-Identifier: Apache-2.0
// The texts of the generated files. Each emitter reads a named Document and returns a whole file; nothing
// here can fail.
#pragma once

#include "rpcgen/model.hpp"

#include <string>
#include <vector>

namespace xb::rpcgen {

/// What the output files are called: NAME_server.hpp and so on, in namespace xb::idl::NAME.
struct Unit {
    const Document& document;
    std::string name;
    std::string cppNamespace;
};

std::string typesHeader(const Unit& unit);
std::string serverHeader(const Unit& unit);
std::string serverSource(const Unit& unit);
std::string clientHeader(const Unit& unit);
std::string clientSource(const Unit& unit);

/// `<interface>` as Introspect shows it: members and foreign annotations, no documentation and none of our
/// annotations.
std::string introspectionXml(const Interface& interface);

// --- what the emitters share ---

/// Licence and origin.
std::string fileHead(const Unit& unit, const std::string& what);
std::string openNamespace(const Unit& unit);
std::string closeNamespace(const Unit& unit);

/// "A a, B b": parameters taken by value, after `first` if it is not empty.
std::string valueParameters(const std::vector<Arg>& args, const std::string& first = {});
/// As before, with what is dear to copy as a const reference.
std::string referenceParameters(const std::vector<Arg>& args);
/// "A, B".
std::string typeList(const std::vector<Arg>& args);
/// Signature of all arguments together.
std::string bodySignature(const std::vector<Arg>& args);
/// What an answer with these values is in C++: void, the type itself, or a tuple.
std::string resultType(const std::vector<Arg>& outputs);
/// Return type of a coroutine with that result.
std::string taskOf(const std::vector<Arg>& outputs);

} // namespace xb::rpcgen
