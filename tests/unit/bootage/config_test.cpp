// SPDX-License-Identifier: Apache-2.0
// The configuration's parser: every directive, its defaults, and what is refused with which line number.
#include "bootage/config.hpp"

#include <gmock/gmock.h>

namespace xb::bootage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

std::string refusal(std::string_view text) {
    try {
        parseConfig(text, "b.conf");
    } catch (const ConfigError& e) {
        return e.what();
    }
    return "accepted";
}

std::vector<std::string> names(const std::vector<Dependency>& dependencies) {
    std::vector<std::string> result;
    for (const auto& each : dependencies)
        result.push_back(each.name);
    return result;
}

TEST(Config, EveryDirective) {
    const Config config = parseConfig("# two services\n"
                                      "\n"
                                      "service bus\n"
                                      "exec dbus-daemon --nofork\n"
                                      "ready socket ${RUN}/bus\n"
                                      "\n"
                                      "service dbd\n"
                                      "  exec /x/dbd --bus \"unix:path=${RUN}/bus\"\n"
                                      "  dep bus\n"
                                      "  depend other more\n"
                                      "  ready notify\n"
                                      "  ready-timeout 2.5\n"
                                      "  restart on-failure\n"
                                      "  restart-limit 3 20\n"
                                      "  stop-timeout 4\n"
                                      "  stop-signal SIGINT\n"
                                      "  env A=1 B='x=y z'\n"
                                      "  env C=\n"
                                      "  log ${RUN}/dbd.log\n"
                                      "  log-limit 4096\n"
                                      "  optional",
                                      "b.conf", {{"RUN", "/r"}});
    ASSERT_EQ(config.services.size(), 2U);
    const Service& bus = config.services[0];
    EXPECT_EQ(bus.name, "bus");
    EXPECT_EQ(bus.line, 3U);
    EXPECT_THAT(bus.command, ElementsAre("dbus-daemon", "--nofork"));
    EXPECT_EQ(bus.readiness, Readiness::socket);
    EXPECT_EQ(bus.readySocket, "/r/bus");
    const Service& dbd = config.services[1];
    EXPECT_THAT(dbd.command, ElementsAre("/x/dbd", "--bus", "unix:path=/r/bus"));
    EXPECT_THAT(names(dbd.dependencies), ElementsAre("bus", "other", "more"));
    EXPECT_EQ(dbd.dependencies[2].line, 10U);
    EXPECT_EQ(dbd.readiness, Readiness::notify);
    EXPECT_EQ(dbd.readyTimeout, Milliseconds(2500));
    EXPECT_EQ(dbd.restart, Restart::onFailure);
    EXPECT_EQ(dbd.restartLimit.count, 3U);
    EXPECT_EQ(dbd.restartLimit.time, Milliseconds(20'000));
    EXPECT_EQ(dbd.stopTimeout, Milliseconds(4000));
    EXPECT_EQ(dbd.stopSignal, SIGINT);
    EXPECT_THAT(dbd.environment, ElementsAre(Pair("A", "1"), Pair("B", "x=y z"), Pair("C", "")));
    EXPECT_EQ(dbd.log, "/r/dbd.log");
    EXPECT_EQ(dbd.logLimit, 4096U);
    EXPECT_TRUE(dbd.optional);
}

TEST(Config, Defaults) {
    const Config config = parseConfig("service a\nexec p\nservice b\nexec p\nready exit\n", "b.conf");
    const Service& a = config.services[0];
    EXPECT_EQ(a.readiness, Readiness::started);
    EXPECT_EQ(a.restart, Restart::always);
    EXPECT_EQ(a.stopSignal, SIGTERM);
    EXPECT_FALSE(a.optional);
    EXPECT_TRUE(a.log.empty());
    EXPECT_EQ(config.services[1].restart, Restart::never) << "what is ready by its exit is not started again";
}

TEST(Config, EmptyFileHasNoServices) {
    EXPECT_TRUE(parseConfig("", "b.conf").services.empty());
    EXPECT_TRUE(parseConfig("# nothing\n\n", "b.conf").services.empty());
}

TEST(Config, RefusalsNameTheLine) {
    EXPECT_EQ(refusal("\n\nfrobnicate"), "b.conf:3: unknown directive \"frobnicate\"");
    EXPECT_EQ(refusal("# x\nexec a"), "b.conf:2: \"exec\" before the first service");
    EXPECT_EQ(refusal("service a\n\nservice b\nexec p"), "b.conf:1: service a has no exec line");
    EXPECT_EQ(refusal("service a\nexec p\nservice a"), "b.conf:3: service a is there already, in line 1");
    EXPECT_EQ(refusal("service a\nexec p\nexec q"), "b.conf:3: a second \"exec\" for service a");
    EXPECT_EQ(refusal("service a b"), "b.conf:1: usage: service NAME");
    EXPECT_EQ(refusal("service a\nexec"), "b.conf:2: usage: exec PROGRAM [ARGUMENT...]");
    EXPECT_EQ(refusal("service a\nexec ''"), "b.conf:2: the program's name is empty");
    EXPECT_THAT(refusal("service a\noptional yes"), StartsWith("b.conf:2: usage"));
}

TEST(Config, BadNames) {
    for (const char* name : {"''", "a/b", "'a b'", "-a", ".a", "\xc3\xa4"})
        EXPECT_THAT(refusal(std::string("service ") + name), HasSubstr("cannot be a service's name")) << name;
    EXPECT_THAT(refusal("service " + std::string(maxNameLength + 1, 'a')),
                HasSubstr("cannot be a service's name"));
    EXPECT_EQ(refusal("service a-b_c.d@1\nexec p"), "accepted");
}

TEST(Config, BadValues) {
    auto inService = [](const std::string& line) { return refusal("service a\nexec p\n" + line); };
    for (const char* seconds : {"0", "-1", "nan", "inf", "86401", "1e99", "3s", "''", "0x3", "1 2"})
        EXPECT_THAT(inService(std::string("ready-timeout ") + seconds), StartsWith("b.conf:3: ")) << seconds;
    EXPECT_EQ(inService("restart sometimes"), "b.conf:3: \"sometimes\" is none of always, on-failure, never");
    EXPECT_THAT(inService("stop-signal STOP"), HasSubstr("is none of TERM, INT"));
    EXPECT_THAT(inService("restart-limit -1 5"), StartsWith("b.conf:3: "));
    EXPECT_THAT(inService("restart-limit 5"), HasSubstr("usage: restart-limit COUNT SECONDS"));
    EXPECT_THAT(inService("ready"), HasSubstr("usage: ready"));
    EXPECT_THAT(inService("ready socket"), HasSubstr("usage: ready"));
    EXPECT_THAT(inService("ready notify x"), HasSubstr("usage: ready"));
    EXPECT_THAT(inService("ready soon"), HasSubstr("\"soon\" is no readiness"));
    EXPECT_THAT(inService("ready socket run/bus"), HasSubstr("does not begin with /"));
    EXPECT_THAT(inService("ready socket /" + std::string(maxSocketPath, 'x')),
                HasSubstr("longer than 107 bytes"));
    EXPECT_THAT(inService("env A"), HasSubstr("\"A\" is not NAME=VALUE"));
    EXPECT_THAT(inService("env 1=A"), HasSubstr("is not NAME=VALUE"));
    EXPECT_THAT(inService("log ''"), HasSubstr("log file's name is empty"));
    EXPECT_THAT(inService("log-limit 0"), HasSubstr("is not a number of bytes"));
    EXPECT_THAT(inService("log-limit 99999999999999999999999"), HasSubstr("is not a number of bytes"));
}

TEST(Config, ExitReadinessCannotBeRestartedAlways) {
    EXPECT_EQ(refusal("service a\nexec p\nready exit\nrestart always"),
              "b.conf:1: service a is ready when it has exited: it cannot be restarted always");
    EXPECT_EQ(refusal("service a\nexec p\nrestart always\nready exit"),
              "b.conf:1: service a is ready when it has exited: it cannot be restarted always");
    EXPECT_EQ(refusal("service a\nexec p\nrestart on-failure\nready exit"), "accepted");
}

TEST(Config, RunLevelDirectivesSayThatTheyAreNotSupported) {
    for (const char* line : {"script a", "start 5", "block 3", "stop 0 6"})
        EXPECT_THAT(refusal(line), HasSubstr("run level scripts, which this version does not start")) << line;
}

TEST(Config, LimitsHold) {
    std::string text;
    for (std::size_t i = 0; i < maxServices; ++i)
        text += "service s" + std::to_string(i) + "\nexec p\n";
    EXPECT_EQ(parseConfig(text, "b.conf").services.size(), maxServices);
    EXPECT_EQ(refusal(text + "service more"), "b.conf:513: more than 256 services");
    EXPECT_THAT(refusal(std::string(maxConfigSize + 1, '\n')), HasSubstr("larger than 1048576 bytes"));
}

} // namespace
} // namespace xb::bootage
