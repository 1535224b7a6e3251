// SPDX-License-Identifier: Apache-2.0
// xenvm: the monitor of one VM.
#include "toolstack/xenvm/program.hpp"

int main(int argc, char** argv) {
    return xb::xenvm::runXenvm(argc, argv);
}
