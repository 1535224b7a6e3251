// SPDX-License-Identifier: Apache-2.0
// Four clients write as fast as they can, and dbd is killed with -9 again and again at random moments. After
// each restart every client finds all that was acknowledged to it, and at most the one change more that it
// was waiting for. XENBROKER_TEST_SEED repeats a run's choices (not its scheduling).
#include "daemon.hpp"

#include "toolstack/libs/timer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>

namespace xb::test {
namespace {

constexpr int writers = 4;
constexpr int kills = 100;
constexpr int allKills = 1000;       // in a full run
constexpr unsigned mostAnswers = 80; // before a kill

// A client with parts of the tree that are its own.
class Writer {
public:
    Writer(Daemon& daemon, int number, unsigned seed)
        : daemon_(daemon), bus_(daemon.loop(), daemon.address()), random_(seed) {
        const std::string uuid = "6b7c0000-aaaa-4bcd-9ef0-00000000000" + std::to_string(number);
        parts_ = {{"vm", uuid}, {"dom-store", uuid}, {"writer-" + std::to_string(number)}};
    }

    /// Works until dbd is gone. `answered` is called for each answer.
    Task<> work(std::function<void()> answered) {
        for (;;) {
            pending_ = next();
            try {
                co_await daemon_.perform(bus_, *pending_);
            } catch (const Error& error) {
                if (!isDeath(error))
                    throw;
                co_return;
            }
            applyTo(mine_, *pending_);
            pending_.reset();
            ++acknowledged_;
            answered();
        }
    }

    /// Compares with what is there now; the pending change is there or not from now on.
    void expectAllIn(Model& all, const std::string& when) {
        Model there = Model::nodes();
        for (const Model::Path& part : parts_) {
            if (const Model* const node = all.find(part))
                there.put(part, *node);
        }
        const std::string found = normalized(there);
        Model perhaps = mine_;
        if (pending_)
            applyTo(perhaps, *pending_);
        EXPECT_TRUE(found == normalized(mine_) || found == normalized(perhaps))
            << when << "\nthere is: " << found << "\nacknowledged was: " << normalized(mine_)
            << (pending_ ? "\nand pending: " + pending_->describe() : "");
        mine_ = there;
        pending_.reset();
    }
    std::size_t acknowledged() const { return acknowledged_; }

private:
    std::size_t below(std::size_t bound) { return random_() % bound; }

    Operation next() {
        std::string path;
        for (const std::string& name : parts_[below(parts_.size())])
            path += "/" + name;
        const std::size_t kind = below(10);
        if (kind == 0)
            return {Operation::Kind::rm, path + "/tree/" + std::to_string(below(3)), {}};
        if (kind == 1)
            return {Operation::Kind::inject, path + "/tree/" + std::to_string(below(3)),
                    R"({"number":)" + std::to_string(random_() % 1000) +
                        R"(,"list":[1,null],"a":{"b":"c"}})"};
        std::string text = "value " + std::to_string(random_());
        if (below(20) == 0)
            text.append(20'000, 'x');
        return {Operation::Kind::write, path + "/key-" + std::to_string(below(20)), text};
    }

    Daemon& daemon_;
    Bus bus_;
    std::mt19937 random_;
    std::vector<Model::Path> parts_;
    Model mine_ = Model::nodes();
    std::optional<Operation> pending_;
    std::size_t acknowledged_ = 0;
};

unsigned chosenSeed() {
    const char* const wanted = std::getenv("XENBROKER_TEST_SEED");
    return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10))
                             : std::random_device()();
}

TEST(RandomKills, LoseNothingOfFourWriters) {
    const unsigned seed = chosenSeed();
    std::cout << "XENBROKER_TEST_SEED=" << seed << "\n";
    std::mt19937 random(seed);
    Daemon daemon;
    std::vector<std::unique_ptr<Writer>> all;
    for (int number = 0; number < writers; ++number)
        all.push_back(std::make_unique<Writer>(daemon, number, static_cast<unsigned>(random())));
    const int rounds = fullRun() ? allKills : kills;
    const auto look = [&](const std::string& when) {
        Model there = parseModel(daemon.dump());
        for (const auto& writer : all)
            writer->expectAllIn(there, when);
    };
    for (int round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
        const std::string when = "seed " + std::to_string(seed) + ", round " + std::to_string(round);
        ASSERT_TRUE(daemon.start({}, round % 2 == 0 ? Words{} : Words{"--durability", "sync"}))
            << when << "\n"
            << daemon.process().messages();
        look(when);
        unsigned answers = 1 + static_cast<unsigned>(random()) % mostAnswers;
        const std::chrono::microseconds later(random() % 3000);
        Timer timer(daemon.loop().executor());
        const auto answered = [&] {
            if (--answers == 0)
                timer.callAfter(later, [&daemon] { daemon.process().signal(SIGKILL); });
        };
        int working = writers;
        const auto ended = [&](const std::exception_ptr& failure) {
            --working;
            EXPECT_EQ(failure, nullptr) << when << ": a change was refused";
        };
        for (const auto& writer : all)
            asio::co_spawn(daemon.loop().context(), writer->work(answered), ended);
        daemon.waitFor([&working] { return working == 0; });
        ASSERT_EQ(daemon.process().waitEnd(), 128 + SIGKILL) << when << "\n" << daemon.process().messages();
    }
    ASSERT_TRUE(daemon.start());
    look("at the end");
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().waitEnd(), 0);
    EXPECT_FALSE(std::filesystem::exists(daemon.config() / "set-aside/db.1"));
    std::size_t acknowledged = 0;
    for (const auto& writer : all)
        acknowledged += writer->acknowledged();
    std::cout << rounds << " kills, " << acknowledged << " acknowledged changes\n";
    EXPECT_GT(acknowledged, static_cast<std::size_t>(rounds));
}

} // namespace
} // namespace xb::test
