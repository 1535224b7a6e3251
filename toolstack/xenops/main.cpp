// SPDX-License-Identifier: Apache-2.0
// xenops: Xen's domains, for root in domain 0.
#include "toolstack/xenops/program.hpp"

int main(int argc, char** argv) {
    const xb::xenops::Words words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return xb::xenops::runXenops(argc > 0 ? argv[0] : "xenops", words);
}
