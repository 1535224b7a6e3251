// SPDX-License-Identifier: Apache-2.0
// Saving, restoring, resuming, core dumps and sleep, as every implementation of the hypervisor layer does
// them. A guest that goes on is told from one that boots again by its time since it booted.
#include "tests/unit/xen/hypervisor_contract.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>

namespace xb::xen::test {

using Kind = DomainEvent::Kind;

class SavingContract : public HypervisorTest {
protected:
    ~SavingContract() override {
        std::error_code ignored;
        std::filesystem::remove(file, ignored);
        std::filesystem::remove(core, ignored);
    }

    std::unique_ptr<ConsoleReader> console(DomId domid) {
        return std::make_unique<ConsoleReader>(loop_.executor(), await(hypervisor().consoleTty(domid)));
    }

    /// The number behind the last whole progress text, if there is one.
    static std::optional<std::uint64_t> lastNumber(const std::string& text) {
        const auto& what = contractEnvironment().progressText;
        const auto end = text.find_last_of('\n');
        const auto at = end == std::string::npos ? end : text.rfind("\n" + what, end - 1);
        if (at == std::string::npos)
            return std::nullopt;
        return std::strtoull(text.c_str() + at + 1 + what.size(), nullptr, 10);
    }

    /// Asks the guest how far it is; `first`: the first answer after what the console said before.
    std::uint64_t progress(ConsoleReader& reader) {
        reader.forget();
        if (!contractEnvironment().progressCommand.empty())
            reader.type(contractEnvironment().progressCommand);
        runUntil([&] { return lastNumber(reader.text()).has_value(); }, "the guest to say how far it is");
        return *lastNumber(reader.text());
    }

    /// A guest that is up and has said so twice.
    std::unique_ptr<ConsoleReader> boot(DomId domid) {
        auto reader = console(domid);
        runUntil([&] { return reader->text().find(contractEnvironment().bootMessage) != std::string::npos; },
                 "the guest to boot");
        const auto first = progress(*reader);
        std::uint64_t next = first;
        while (next == first)
            next = progress(*reader);
        return reader;
    }

    static UniqueFd open(const std::string& path, int flags) {
        UniqueFd descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0600));
        if (!descriptor)
            throw systemError(path, errno);
        return descriptor;
    }
    UniqueFd newFile() const { return open(file, O_WRONLY | O_CREAT | O_TRUNC); }

    DomId restore(DomainConfig wanted, UniqueFd stream) {
        const DomId domid =
            await(hypervisor().restore(std::move(wanted), std::move(stream), [](CreateStep, DomId) {}));
        created_.push_back(domid);
        return domid;
    }

    void expectGoesOn(DomId domid, std::uint64_t before) {
        const auto reader = console(domid);
        await(hypervisor().unpause(domid));
        const auto first = progress(*reader);
        EXPECT_GE(first, before); // a guest that boots again begins anew
        EXPECT_EQ(reader->text().find(contractEnvironment().bootMessage), std::string::npos)
            << reader->text();
        std::uint64_t next = first;
        while (next == first)
            next = progress(*reader);
        EXPECT_GT(next, first);
    }

    const std::string directory = std::filesystem::path(contractEnvironment().disk).parent_path();
    const std::string file = directory + "/contract-saved";
    const std::string core = directory + "/contract-core";
};

TEST_F(SavingContract, ARestoredGuestGoesOnWhereItWasSaved) {
    auto wanted = config();
    wanted.disks.push_back({contractEnvironment().disk, DiskBackend::file, "xvda", true, false, 0});
    const DomId domid = start(wanted);
    Events events;
    const auto watch = await(hypervisor().watch(domid, events.handler()));
    const auto before = progress(*boot(domid));
    await(hypervisor().save(domid, newFile(), SaveMode::stopped));
    runUntil([&] { return !events.list.empty(); }, "the suspend to be told");
    EXPECT_EQ(events.list[0].kind, Kind::shutdown);
    EXPECT_EQ(events.list[0].reason, ShutdownReason::suspend);
    EXPECT_EQ(info(domid).reason, ShutdownReason::suspend);
    await(hypervisor().destroy(domid));
    EXPECT_FALSE(await(hypervisor().findDomain(wanted.uuid)));

    std::vector<CreateStep> steps;
    const DomId restored = await(hypervisor().restore(
        wanted, open(file, O_RDONLY), [&](CreateStep step, DomId) { steps.push_back(step); }));
    created_.push_back(restored);
    EXPECT_EQ(steps, (std::vector{CreateStep::domainMade, CreateStep::devicesMade}));
    EXPECT_NE(restored, domid);
    EXPECT_TRUE(info(restored).paused);
    expectGoesOn(restored, before);
    EXPECT_TRUE(
        await(hypervisor().requestShutdown(restored, ShutdownRequest::poweroff, std::chrono::seconds(30))));
}

TEST_F(SavingContract, ALiveSaveHoldsTheGuestAtItsEnd) {
    const DomId domid = start(config());
    const auto reader = boot(domid);
    const auto before = progress(*reader);
    if (!contractEnvironment().whyNoLiveSave.empty()) {
        EXPECT_NE(failure(hypervisor().save(domid, newFile(), SaveMode::live))
                      .find(contractEnvironment().whyNoLiveSave),
                  std::string::npos);
        EXPECT_FALSE(info(domid).shutdown);
        EXPECT_GE(progress(*reader), before);
        return;
    }
    await(hypervisor().save(domid, newFile(), SaveMode::live));
    EXPECT_EQ(info(domid).reason, ShutdownReason::suspend);
    await(hypervisor().destroy(domid));
    expectGoesOn(restore(config(), open(file, O_RDONLY)), before);
}

TEST_F(SavingContract, ASaveGoesThroughAPipeIntoARestore) {
    const auto source = config();
    const DomId domid = start(source);
    const auto before = progress(*boot(domid));
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd readEnd(ends[0]);
    UniqueFd writeEnd(ends[1]);
    std::exception_ptr failed;
    bool saved = false;
    asio::co_spawn(loop_.context(), hypervisor().save(domid, std::move(writeEnd), SaveMode::stopped),
                   [&](std::exception_ptr error) {
                       failed = error;
                       saved = true;
                   });
    const DomId copy = restore(config(), std::move(readEnd));
    runUntil([&] { return saved; }, "the save to end");
    EXPECT_FALSE(failed);
    await(hypervisor().destroy(domid));
    expectGoesOn(copy, before);
}

TEST_F(SavingContract, AGuestGoesOnInPlaceAndItsNextStopIsTold) {
    const DomId domid = start(config());
    Events events;
    const auto watch = await(hypervisor().watch(domid, events.handler()));
    const auto reader = boot(domid);
    const auto before = progress(*reader);
    EXPECT_NE(failure(hypervisor().resume(domid)).find("not suspended"), std::string::npos);
    await(hypervisor().save(domid, newFile(), SaveMode::stopped));
    runUntil([&] { return events.list.size() == 1; }, "the suspend to be told");
    await(hypervisor().resume(domid));
    EXPECT_FALSE(info(domid).shutdown);
    EXPECT_GE(progress(*reader), before);
    const auto later = progress(*reader);
    std::uint64_t latest = later;
    while (latest == later)
        latest = progress(*reader);
    EXPECT_GT(latest, later);
    await(hypervisor().forceShutdown(domid, ShutdownReason::poweroff));
    runUntil([&] { return events.list.size() == 2; }, "the second stop to be told");
    EXPECT_EQ(events.list[1].kind, Kind::shutdown);
    EXPECT_EQ(events.list[1].reason, ShutdownReason::poweroff);
}

TEST_F(SavingContract, WhatCannotBeSavedIsRefusedAtOnce) {
    const DomId paused = create(config());
    EXPECT_NE(failure(hypervisor().save(paused, newFile(), SaveMode::stopped)).find("paused"),
              std::string::npos);
    EXPECT_NE(failure(hypervisor().save(30000, newFile(), SaveMode::stopped)).find("30000"),
              std::string::npos);
    EXPECT_NE(failure(hypervisor().resume(30000)).find("30000"), std::string::npos);
}

TEST_F(SavingContract, ABadStreamFailsAndLeavesNothing) {
    const DomId domid = start(config());
    boot(domid);
    await(hypervisor().save(domid, newFile(), SaveMode::stopped));
    await(hypervisor().destroy(domid));
    const auto size = std::filesystem::file_size(file);
    const auto before = await(hypervisor().domains()).size();
    const auto refused = [&](const std::string& what) {
        const auto wanted = config();
        EXPECT_NE(failure(hypervisor().restore(wanted, open(file, O_RDONLY), [](CreateStep, DomId) {})), "")
            << what;
        EXPECT_FALSE(await(hypervisor().findDomain(wanted.uuid))) << what;
        EXPECT_EQ(node("/vm/" + wanted.uuid), "(none)") << what;
    };
    std::filesystem::resize_file(file, size / 2);
    refused("half of it");
    std::filesystem::resize_file(file, 10);
    refused("its first bytes");
    writeFileAtomically(file, std::string(8192, 'x'));
    refused("garbage");
    writeFileAtomically(file, "");
    refused("nothing");
    EXPECT_EQ(await(hypervisor().domains()).size(), before);
    EXPECT_NE(failure(hypervisor().restore(config(), UniqueFd(), [](CreateStep, DomId) {})), "");
}

TEST_F(SavingContract, ACoreIsAnElfFileOfItsOwn) {
    const DomId domid = start(config());
    boot(domid); // a PV guest has to tell first where its memory is
    await(hypervisor().pause(domid));
    await(hypervisor().dumpCore(domid, core));
    EXPECT_GT(std::filesystem::file_size(core), 64u);
    std::string start(4, '\0');
    ASSERT_EQ(::read(open(core, O_RDONLY).get(), start.data(), start.size()), 4);
    EXPECT_EQ(start, "\x7f"
                     "ELF");
    EXPECT_NE(failure(hypervisor().dumpCore(domid, core)).find(core), std::string::npos); // it is there
    const auto other = core + ".none";
    EXPECT_NE(failure(hypervisor().dumpCore(30000, other)).find("30000"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(other));
}

TEST_F(SavingContract, TheConfigurationOfADomainIsJson) {
    const auto wanted = config();
    const auto text = await(hypervisor().configurationJson(create(wanted)));
    EXPECT_EQ(text.front(), '{');
    EXPECT_NE(text.find(wanted.name), std::string::npos);
    EXPECT_NE(failure(hypervisor().configurationJson(30000)).find("30000"), std::string::npos);
    const auto read = await(hypervisor().parseConfiguration(text));
    EXPECT_EQ(read.name, wanted.name);
    EXPECT_EQ(read.uuid, wanted.uuid);
    EXPECT_EQ(read.type, wanted.type);
    EXPECT_EQ(read.memoryKib, wanted.memoryKib);
    EXPECT_EQ(read.kernel, wanted.kernel);
    for (const auto* garbage : {"", "{", "[]", "{\"c_info\": 5}"})
        EXPECT_NE(failure(hypervisor().parseConfiguration(garbage)), "") << garbage;
}

TEST_F(SavingContract, OnlyHvmGuestsSleep) {
    const DomId domid = start(config());
    EXPECT_TRUE(await(hypervisor().hasPvDriver(domid)));
    EXPECT_NE(failure(hypervisor().requestSleep(domid, SleepState::s3, std::chrono::seconds(0))).find("HVM"),
              std::string::npos);
    EXPECT_NE(failure(hypervisor().wake(domid)).find("HVM"), std::string::npos);
    EXPECT_NE(failure(hypervisor().wake(30000)).find("30000"), std::string::npos);
}

// A full disk, and a reader that has gone.
TEST_F(SavingContract, ASaveThatFailsLetsTheGuestGoOn) {
    const DomId domid = start(config());
    Events events;
    const auto watch = await(hypervisor().watch(domid, events.handler()));
    const auto reader = boot(domid);
    const auto goesOn = [&](const std::string& after) {
        EXPECT_FALSE(info(domid).shutdown) << after;
        const auto before = progress(*reader);
        std::uint64_t next = before;
        while (next == before)
            next = progress(*reader);
        EXPECT_GT(next, before) << after;
    };
    EXPECT_NE(failure(hypervisor().save(domid, open("/dev/full", O_WRONLY), SaveMode::stopped))
                  .find(std::strerror(ENOSPC)),
              std::string::npos);
    goesOn("a full disk");
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd readEnd(ends[0]);
    UniqueFd writeEnd(ends[1]);
    readEnd.reset();
    EXPECT_NE(failure(hypervisor().save(domid, std::move(writeEnd), SaveMode::stopped)), "");
    goesOn("a reader that was gone");
    await(hypervisor().forceShutdown(domid, ShutdownReason::poweroff));
    runUntil([&] { return !events.list.empty() && events.list.back().reason == ShutdownReason::poweroff; },
             "the stop to be told");
}

} // namespace xb::xen::test
