// SPDX-License-Identifier: Apache-2.0
// The main program of a fuzzer is libFuzzer's; this gives it the program's one target.
#include "tests/fuzz/fuzz.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const xb::fuzz::Target& target = *xb::fuzz::Target::all().at(0);
    target.run({reinterpret_cast<const char*>(data), size});
    return 0;
}
