// SPDX-License-Identifier: Apache-2.0
// The emulator's control socket, fed with bytes that are no frames, frames that are no JSON, and requests
// that make no sense: what can be answered is refused by name, what cannot loses its connection, and the
// others are served on.
#include "platform.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/framed_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <sys/un.h>

namespace xb::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint32_t seed = 20261;

class ControlSocket {
public:
    explicit ControlSocket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (!fd_ || ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw systemError("cannot connect to " + path, errno);
    }

    /// False when the other side has hung up.
    bool send(const std::string& bytes) {
        std::size_t sent = 0;
        while (sent < bytes.size()) {
            const ssize_t n = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (n <= 0)
                return false;
            sent += static_cast<std::size_t>(n);
        }
        return true;
    }
    static std::string frame(const std::string& text) {
        const auto length = static_cast<std::uint32_t>(text.size());
        std::string bytes(sizeof length, '\0');
        std::memcpy(bytes.data(), &length, sizeof length);
        return bytes + text;
    }
    void hangUpSending() { ::shutdown(fd_.get(), SHUT_WR); }

    /// The next frame's text; "closed" when the other side hangs up instead, "silence" when it does nothing.
    std::string receive() {
        std::uint32_t length = 0;
        std::string head = read(sizeof length);
        if (head.size() != sizeof length)
            return head;
        std::memcpy(&length, head.data(), sizeof length);
        return read(length);
    }

private:
    std::string read(std::size_t size) {
        std::string bytes(size, '\0');
        for (std::size_t got = 0; got < size;) {
            pollfd entry{fd_.get(), POLLIN, 0};
            if (::poll(&entry, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) != 1)
                return "silence";
            const ssize_t n = ::read(fd_.get(), bytes.data() + got, size - got);
            if (n <= 0)
                return "closed";
            got += static_cast<std::size_t>(n);
        }
        return bytes;
    }

    UniqueFd fd_;
};

class EmulatorGarbage : public testing::Test {
protected:
    ControlSocket connection() {
        return ControlSocket(xen::emulated::controlSocketPath(platform.emulatorDirectory()));
    }
    std::string answerTo(const std::string& text) {
        ControlSocket socket = connection();
        EXPECT_TRUE(socket.send(ControlSocket::frame(text)));
        return socket.receive();
    }
    // Whoever comes after is served: a VM starts and stops.
    void expectServed() {
        EXPECT_THAT(answerTo(R"({"id":1,"method":"hostInfo","params":{}})"), HasSubstr("\"result\""));
        const std::string path = platform.createVm();
        platform.await(platform.vm(path).start());
        EXPECT_TRUE(platform.waitForState(path, "running"));
        platform.await(platform.vm(path).destroy());
        EXPECT_TRUE(platform.waitForState(path, "stopped"));
    }

    Platform platform;
};

TEST_F(EmulatorGarbage, BytesThatAreNoFrames) {
    std::mt19937 random(seed);
    for (int i = 0; i < 50; ++i) {
        ControlSocket socket = connection();
        std::string bytes(1 + random() % 8192, '\0');
        for (char& byte : bytes)
            byte = static_cast<char>(random());
        socket.send(bytes); // it may hang up while we speak
        socket.hangUpSending();
        std::string answer;
        while ((answer = socket.receive()) != "closed")
            ASSERT_NE(answer, "silence") << "after " << i << " connections";
    }
    expectServed();
}

TEST_F(EmulatorGarbage, FramesThatLieAboutTheirLength) {
    const auto lengthOnly = [](std::uint32_t length) {
        std::string bytes(sizeof length, '\0');
        std::memcpy(bytes.data(), &length, sizeof length);
        return bytes;
    };
    for (const std::uint32_t length : {std::uint32_t{0xffffffff}, std::uint32_t{0x80000000},
                                       static_cast<std::uint32_t>(xen::emulated::maxControlMessage) + 1}) {
        ControlSocket socket = connection();
        EXPECT_TRUE(socket.send(lengthOnly(length)));
        EXPECT_EQ(socket.receive(), "closed") << length;
    }
    ControlSocket cutShort = connection();
    EXPECT_TRUE(cutShort.send(lengthOnly(100) + "{\"id\":"));
    cutShort.hangUpSending();
    EXPECT_EQ(cutShort.receive(), "closed");
    ControlSocket unfinished = connection(); // stays open, and holds nobody up
    EXPECT_TRUE(unfinished.send(lengthOnly(100)));
    EXPECT_THAT(answerTo(""), HasSubstr("\"error\""));
    expectServed();
}

TEST_F(EmulatorGarbage, RequestsThatMakeNoSense) {
    std::vector<std::string> requests{"{",
                                      "null",
                                      "[]",
                                      "7",
                                      "\"text\"",
                                      "{}",
                                      std::string("{\"id\":1}\0x", 10),
                                      std::string(10'000, '['),
                                      R"({"id":1,"method":7,"params":{}})",
                                      R"({"id":-1,"method":"domains","params":{}})",
                                      R"({"id":1e300,"method":"domains","params":{}})",
                                      R"({"id":1,"method":"domains"})",
                                      R"({"id":1,"method":"domains","params":[]})",
                                      R"({"id":1,"method":"no-such","params":{"domid":0}})",
                                      "{\"id\":1,\"method\":\"domains\",\"params\":{\"\xff\":1}}"};
    // Every method, with parameters that it cannot take.
    const std::vector<std::string> parameters{
        "{}",
        R"({"domid":-1})",
        R"({"domid":"1"})",
        R"({"domid":4294967297})",
        R"({"domid":30000,"request":"poweroff","seconds":-1})",
        R"({"domid":30000,"reason":99,"request":7})",
        R"({"config":7})",
        R"({"config":{}})",
        R"({"config":{"name":"","uuid":"../..","vcpus":-1,"memoryKib":18446744073709551615}})",
        R"({"fault":"no-such","times":1,"milliseconds":1})",
        R"({"fault":7,"times":"x"})"};
    for (const char* method : {"create", "memoryNeeded", "inject", "unpause", "pause", "powerButton",
                               "acpiState", "requestShutdown", "forceShutdown"})
        for (const auto& each : parameters)
            requests.push_back(R"({"id":1,"method":")" + std::string(method) + R"(","params":)" + each + "}");
    for (const auto& request : requests) {
        const std::string answer = answerTo(request);
        EXPECT_THAT(answer, HasSubstr("\"error\"")) << request.substr(0, 200);
        EXPECT_THAT(answer, HasSubstr("org.freedesktop.DBus.Error.")) << request.substr(0, 200);
    }
    expectServed();
}

} // namespace
} // namespace xb::test
