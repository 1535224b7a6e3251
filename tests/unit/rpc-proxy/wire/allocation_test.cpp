// SPDX-License-Identifier: Apache-2.0
// Reading a message and cutting the stream allocate nothing when messages arrive whole.
#include "tests/unit/rpc-proxy/wire/raw_message.hpp"

#include "rpc-proxy/wire/body_reader.hpp"
#include "rpc-proxy/wire/framer.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

namespace {
std::size_t allocations = 0;
}

// Of this test program. Deallocation must match.
void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size)) // NOLINT(cppcoreguidelines-no-malloc)
        return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory); // NOLINT(cppcoreguidelines-no-malloc)
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory); // NOLINT(cppcoreguidelines-no-malloc)
}

namespace xb::proxy::wire {
namespace {

TEST(WireAllocation, NoneForWhatArrivesWhole) {
    using namespace std::string_literals;
    std::string stream = callWith("sv", str("name") + "\1v\0\1s\0\0"s + str("x"));
    stream += rawCall(Endian::big).with(Field::interface, "a.b").with(Field::destination, ":1.2").str();
    const std::string flawed = rawCall().with(Field::sender, "x").str();

    const std::size_t before = allocations;
    Framer framer{Limits()};
    framer.feed(stream);
    int good = 0;
    while (const auto message = framer.next()) {
        MessageView view;
        good += read(asText(*message), {}, view) ? 0 : 1;
        for (BodyReader args(view); args.type() != '\0';)
            args.skip();
    }
    MessageView view;
    const bool refused = read(flawed, {}, view).has_value();
    const std::size_t after = allocations;
    EXPECT_EQ(after, before);
    EXPECT_EQ(good, 2);
    EXPECT_TRUE(refused);
    EXPECT_EQ(framer.held(), 0U);
    EXPECT_GT(allocations, 0U) << "they are counted at all";
}

} // namespace
} // namespace xb::proxy::wire
