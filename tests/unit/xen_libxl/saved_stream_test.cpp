// SPDX-License-Identifier: Apache-2.0
// The streams of saved domains without Xen: what libxl would crash on is refused first, and pipes are
// relayed.
#include "xen/libxl/saved_stream.hpp"

#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <future>

namespace xb::xen {

namespace {

const std::string good("LibxlFmt\0\0\0\2\0\0\0\0\1\0\0\0\0\0\0\0", streamStart);

std::string changed(std::size_t at, char value) {
    auto start = good;
    start[at] = value;
    return start;
}

struct Pipe {
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw systemError("pipe", errno);
        out.reset(ends[0]);
        in.reset(ends[1]);
    }
    UniqueFd out;
    UniqueFd in;
};

UniqueFd temporaryFile(std::string_view content) {
    char name[] = "/tmp/saved-stream-test.XXXXXX";
    UniqueFd file(::mkostemp(name, O_CLOEXEC));
    ::unlink(name);
    EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
    return file;
}

void writeAll(int descriptor, std::string_view data) {
    while (!data.empty()) {
        const auto written = ::write(descriptor, data.data(), data.size());
        if (written < 0)
            throw systemError("write", errno);
        data.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string readAll(int descriptor) {
    std::string all;
    std::array<char, 4096> buffer;
    for (;;) {
        const auto got = ::read(descriptor, buffer.data(), buffer.size());
        if (got <= 0)
            return all;
        all.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

// Many times what a pipe holds.
std::string much() {
    std::string text;
    while (text.size() < 1000000)
        text += std::to_string(text.size());
    return text;
}

std::string failureOf(const std::function<void()>& what) {
    try {
        what();
    } catch (const std::exception& e) {
        return e.what();
    }
    return "";
}

bool says(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST(SavedStream, OnlyAStreamOfLibxlBeginsAsOne) {
    EXPECT_EQ(whyNotStream(good), "");
    EXPECT_EQ(whyNotStream(good + "more"), "");
    EXPECT_TRUE(says(whyNotStream(""), "0 bytes"));
    EXPECT_TRUE(says(whyNotStream(good.substr(0, streamStart - 1)), "23 bytes"));
    EXPECT_TRUE(says(whyNotStream(changed(0, 'x')), "no saved domain"));
    EXPECT_TRUE(says(whyNotStream(changed(11, 3)), "version 3"));
    EXPECT_TRUE(says(whyNotStream(changed(15, 1)), "byte order"));
    EXPECT_EQ(whyNotStream(changed(15, 2)), ""); // converted from xend's
    EXPECT_TRUE(says(whyNotStream(changed(16, 2)), "first record"));
    EXPECT_TRUE(says(whyNotStream(changed(20, 8)), "first record"));
    EXPECT_TRUE(says(whyNotStream(changed(23, 1)), "first record"));
}

TEST(SavedStream, AFullDiskIsFoundBeforeLibxlWrites) {
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    EXPECT_TRUE(says(failureOf([&] { SaveStream stream(full.get()); }), "No space left"));
    const UniqueFd unwritable(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_NE(failureOf([&] { SaveStream stream(unwritable.get()); }), "");
    EXPECT_NE(failureOf([] { SaveStream stream(-1); }), "");
}

TEST(SavedStream, AFileIsWrittenByLibxlItselfFromWhereItIs) {
    const auto file = temporaryFile("");
    writeAll(file.get(), "header");
    SaveStream stream(file.get());
    EXPECT_EQ(stream.get(), file.get());
    writeAll(stream.get(), good);
    stream.finish();
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
    EXPECT_EQ(readAll(file.get()), "header" + good);
}

TEST(SavedStream, APipeGetsEverything) {
    Pipe pipe;
    auto reader = std::async(std::launch::async, [&] { return readAll(pipe.out.get()); });
    const auto text = good + much();
    {
        SaveStream stream(pipe.in.get());
        EXPECT_NE(stream.get(), pipe.in.get());
        writeAll(stream.get(), text);
        stream.finish();
    }
    pipe.in.reset();
    EXPECT_EQ(reader.get(), text);
}

TEST(SavedStream, AReaderThatHasGoneIsToldAfterTheStart) {
    ::signal(SIGPIPE, SIG_IGN); // as NoPipeSignal in save()
    Pipe pipe;
    pipe.out.reset();
    SaveStream stream(pipe.in.get());
    // libxl's first writes, one by one, must not fail.
    writeAll(stream.get(), good.substr(0, 16));
    writeAll(stream.get(), good.substr(16));
    EXPECT_TRUE(says(failureOf([&] { writeAll(stream.get(), much()); }), "Broken pipe"));
    EXPECT_TRUE(says(failureOf([&] { stream.finish(); }), "Broken pipe"));
}

TEST(SavedStream, ASaveThatFailedDoesNotWaitForItsReader) {
    Pipe pipe;
    SaveStream stream(pipe.in.get());
    ASSERT_EQ(::fcntl(stream.get(), F_SETFL, O_WRONLY | O_NONBLOCK), 0);
    while (::write(stream.get(), good.data(), good.size()) > 0) {
    }
    EXPECT_EQ(errno, EAGAIN); // nobody reads; the end of this test is that it ends
}

TEST(SavedStream, ABadFileIsRefusedBeforeLibxlReadsIt) {
    for (const auto& bad : {std::string(), good.substr(0, 10), std::string(8192, 'x'), changed(16, 0)}) {
        const auto file = temporaryFile(bad);
        EXPECT_TRUE(says(failureOf([&] { RestoreStream stream(file.get()); }), "cannot be restored"));
        Pipe pipe;
        writeAll(pipe.in.get(), bad);
        pipe.in.reset();
        EXPECT_TRUE(says(failureOf([&] { RestoreStream stream(pipe.out.get()); }), "cannot be restored"));
    }
    EXPECT_NE(failureOf([] { RestoreStream stream(-1); }), "");
}

TEST(SavedStream, AGoodFileIsReadByLibxlItselfFromWhereItIs) {
    const auto file = temporaryFile("header" + good + "rest");
    ASSERT_EQ(::lseek(file.get(), 6, SEEK_SET), 6);
    const RestoreStream stream(file.get());
    EXPECT_EQ(stream.get(), file.get());
    EXPECT_EQ(readAll(stream.get()), good + "rest");
}

TEST(SavedStream, APipeIsReadWithItsStart) {
    Pipe pipe;
    const auto text = good + much();
    auto writer = std::async(std::launch::async, [&] {
        writeAll(pipe.in.get(), text);
        pipe.in.reset();
    });
    const RestoreStream stream(pipe.out.get());
    EXPECT_EQ(readAll(stream.get()), text);
    writer.get();
}

TEST(SavedStream, ARestoreThatEndedDoesNotWaitForItsWriter) {
    Pipe idle;
    writeAll(idle.in.get(), good);
    { const RestoreStream stream(idle.out.get()); }
    Pipe busy;
    writeAll(busy.in.get(), good + std::string(8192, 'x'));
    { const RestoreStream stream(busy.out.get()); }
}

} // namespace xb::xen
