// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/model.hpp"

#include <algorithm>
#include <iterator>

namespace xb::rpcgen {

namespace {

std::vector<Arg> withDirection(const std::vector<Arg>& args, bool out) {
    std::vector<Arg> result;
    std::ranges::copy_if(args, std::back_inserter(result), [out](const Arg& arg) { return arg.out == out; });
    return result;
}

} // namespace

std::vector<Arg> Method::inputs() const {
    return withDirection(args, false);
}

std::vector<Arg> Method::outputs() const {
    return withDirection(args, true);
}

bool Interface::builtIn() const {
    return name == "org.freedesktop.DBus.Introspectable" || name == "org.freedesktop.DBus.Peer" ||
           name == "org.freedesktop.DBus.Properties";
}

} // namespace xb::rpcgen
