// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/xenops/fixture.hpp"

#include "toolstack/libs/files.hpp"

#include <boost/asio/redirect_error.hpp>

#include <array>

namespace xb::test {

void XenopsIntegration::SetUpTestSuite() {
    emulator = new xen::EmulatorControl(XEN_EMULATOR);
    writeFileAtomically(emulator->directory() + "/kernel", "not a kernel");
}

void XenopsIntegration::TearDownTestSuite() {
    EXPECT_EQ(emulator->stop(), 0);
    delete emulator;
    emulator = nullptr;
}

Command XenopsIntegration::command(const std::string& program, Words words, const std::string& directory) {
    Command result;
    result.arguments = {program};
    result.arguments.insert(result.arguments.end(), words.begin(), words.end());
    result.arguments.insert(result.arguments.end(),
                            {"-hypervisor", "emulated", "--emulator-directory", directory});
    return result;
}

Result XenopsIntegration::run(Command what) {
    const Output output = await(runCommand(std::move(what)));
    return {output.status.code.value_or(-1), output.standardOutput, output.standardError};
}

Result XenopsIntegration::xenops(Words words) {
    return run(command(XENOPS, std::move(words)));
}

std::string XenopsIntegration::config(const std::string& name) {
    const std::string file = emulator->directory() + "/" + name + ".cfg";
    writeFileAtomically(file, "name = '" + name + "'\ntype = 'pvh'\nmemory = 32\nkernel = '" +
                                  emulator->directory() + "/kernel'\non_crash = 'destroy'\n");
    return file;
}

Task<std::string> XenopsIntegration::readUntil(Stream& from, std::string wanted) {
    std::string text;
    std::array<char, 4096> buffer;
    while (text.find(wanted) == std::string::npos) {
        boost::system::error_code error;
        const std::size_t n = co_await from.async_read_some(asio::buffer(buffer),
                                                            asio::redirect_error(asio::use_awaitable, error));
        if (error || n == 0)
            co_return text + " (end)";
        text.append(buffer.data(), n);
    }
    co_return text;
}

} // namespace xb::test
