// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/xen/hypervisor_contract.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/uuid.hpp"

#include <boost/asio/redirect_error.hpp>

#include <cerrno>
#include <fcntl.h>

namespace xb::xen::test {

using Clock = std::chrono::steady_clock;

ConsoleReader::ConsoleReader(const Executor& executor, const std::string& tty) {
    const int fd = ::open(tty.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        throw systemError("cannot open " + tty, errno);
    descriptor_ = std::make_shared<asio::posix::stream_descriptor>(executor, fd);
    readOn(descriptor_, text_);
}

ConsoleReader::~ConsoleReader() {
    descriptor_->close();
}

void ConsoleReader::readOn(std::shared_ptr<asio::posix::stream_descriptor> descriptor,
                           std::shared_ptr<std::string> text) {
    auto buffer = std::make_shared<std::array<char, 4096>>();
    auto& target = *descriptor;
    target.async_read_some(asio::buffer(*buffer),
                           [descriptor = std::move(descriptor), text = std::move(text),
                            buffer](const boost::system::error_code& error, std::size_t size) {
                               if (error)
                                   return;
                               text->append(buffer->data(), size);
                               readOn(descriptor, text);
                           });
}

void ConsoleReader::type(const std::string& line) {
    writeAll(descriptor_->native_handle(), line + "\r", "the console");
}

HypervisorTest::HypervisorTest() : hypervisor_(contractEnvironment().open(loop_.executor())) {}

HypervisorTest::~HypervisorTest() {
    try {
        for (const DomId domid : created_)
            await(hypervisor_->destroy(domid));
    } catch (const std::exception& e) {
        ADD_FAILURE() << "cleaning up: " << e.what();
    }
}

void HypervisorTest::runUntil(const std::function<bool()>& condition, const std::string& what) {
    const auto deadline = Clock::now() + contractEnvironment().limit;
    const auto keepRunning = asio::make_work_guard(loop_.context());
    loop_.context().restart();
    while (!condition())
        if (loop_.context().run_one_until(deadline) == 0)
            throw std::runtime_error("deadline passed while waiting for " + what);
}

void HypervisorTest::await(Task<> task) {
    struct Outcome {
        std::exception_ptr failure;
        bool done = false;
    };
    const auto outcome = std::make_shared<Outcome>(); // the coroutine may outlive a deadline that passed
    asio::co_spawn(loop_.context(), std::move(task), [outcome](std::exception_ptr error) {
        outcome->failure = error;
        outcome->done = true;
    });
    runUntil([&outcome] { return outcome->done; }, "a coroutine to end");
    if (outcome->failure)
        std::rethrow_exception(outcome->failure);
}

DomainConfig HypervisorTest::config() const {
    DomainConfig config = contractEnvironment().domain;
    config.uuid = randomUuid();
    config.name = "contract-" + config.uuid.substr(0, 8);
    return config;
}

DomId HypervisorTest::create(DomainConfig config) {
    const DomId domid = await(hypervisor().create(std::move(config), [](CreateStep, DomId) {}));
    created_.push_back(domid);
    return domid;
}

DomId HypervisorTest::start(DomainConfig config) {
    const DomId domid = create(std::move(config));
    await(hypervisor().unpause(domid));
    return domid;
}

DomainInfo HypervisorTest::info(DomId domid) {
    auto found = await(hypervisor().domain(domid));
    if (!found)
        throw std::runtime_error("there is no domain " + std::to_string(domid));
    return *found;
}

std::string HypervisorTest::node(const std::string& path) {
    return await(hypervisor().store().read(path)).value_or("(none)");
}

void HypervisorTest::waitForNode(const std::string& path, const std::string& value) {
    bool changed = false;
    const auto watch = await(hypervisor().store().watch(path, [&](const std::string&) { changed = true; }));
    while (node(path) != value) {
        runUntil([&] { return changed; }, path + " to become " + value);
        changed = false;
    }
}

} // namespace xb::xen::test
