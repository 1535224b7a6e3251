// SPDX-License-Identifier: Apache-2.0
// xenvm: the monitor of one VM.
#include "toolstack/xenvm/program.hpp"

#include <malloc.h>

int main(int argc, char** argv) {
    // Each operation of libxl has a thread of its own, one at a time: an arena for each would keep a megabyte
    // for nothing.
    mallopt(M_ARENA_MAX, 1);
    return xb::xenvm::runXenvm(argc, argv);
}
