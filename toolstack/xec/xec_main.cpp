// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/program.hpp"

int main(int argc, char** argv) {
    const xb::xec::Words words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return xb::xec::runXec(words);
}
