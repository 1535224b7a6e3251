// SPDX-License-Identifier: Apache-2.0
// Without libFuzzer: every target runs on its whole corpus, and on every beginning of the shorter inputs, so
// that what a fuzzer once found stays found in the unit tests.
#include "tests/fuzz/fuzz.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace xb::fuzz {

namespace {

/// Longest input whose beginnings are tried too.
constexpr std::size_t longestCut = 2048;

class Replay : public testing::TestWithParam<const Target*> {};

std::string read(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    EXPECT_TRUE(stream) << "cannot open " << file;
    return {std::istreambuf_iterator<char>(stream), {}};
}

// On the heap at its exact size, so that AddressSanitizer sees a read behind it.
void run(const Target& target, std::string_view input) {
    const std::vector<char> copy(input.begin(), input.end());
    target.run({copy.data(), copy.size()});
}

TEST_P(Replay, corpusAndItsBeginnings) {
    const auto directory = std::filesystem::path(XENBROKER_FUZZ_CORPUS) / GetParam()->name;
    std::size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        SCOPED_TRACE(entry.path());
        const std::string input = read(entry.path());
        for (std::size_t size = input.size() <= longestCut ? 0 : input.size(); size <= input.size(); ++size)
            EXPECT_NO_THROW(run(*GetParam(), std::string_view(input).substr(0, size)))
                << "the first " << size << " bytes";
        ++inputs;
    }
    EXPECT_GT(inputs, 0U) << directory << " has no inputs";
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, testing::ValuesIn(Target::all()),
                         [](const auto& target) { return target.param->name; });

TEST(FuzzCorpus, everyDirectoryHasATarget) {
    for (const auto& entry : std::filesystem::directory_iterator(XENBROKER_FUZZ_CORPUS))
        EXPECT_TRUE(std::ranges::any_of(Target::all(), [&](const Target* target) {
            return target->name == entry.path().filename();
        })) << entry.path();
}

} // namespace

} // namespace xb::fuzz
