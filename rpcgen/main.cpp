// SPDX-License-Identifier: Apache-2.0
// xc-rpcgen: C++ servers and clients from D-Bus interface files.
#include "rpcgen/options.hpp"

int main(int argc, char** argv) {
    return xb::rpcgen::run(argc, argv);
}
