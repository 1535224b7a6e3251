// SPDX-License-Identifier: Apache-2.0
// Ids and addresses that NICs get when the file leaves them open.
#include "toolstack/xenvm/nics.hpp"

#include "toolstack/xenvm/config_parser.hpp"

#include <gtest/gtest.h>

namespace xb::xenvm {
namespace {

const std::string uuid = "10b33a4e-3a1a-4c39-9f7b-0d3c8c0e5a11";

Config withNics(const std::vector<std::string>& entries) {
    Config config;
    for (const std::string& entry : entries)
        EXPECT_EQ(setKey(config, "nic", entry), "");
    return config;
}

// Worked out by hand from `printf '0 10b33a4e-3a1a-4c39-9f7b-0d3c8c0e5a11' | md5sum` and the rule of
// nics.hpp.
TEST(Nics, macFollowsFromIdModelAndUuid) {
    EXPECT_EQ(derivedMac(0, "", uuid), "8a:56:68:51:83:5c");
    EXPECT_EQ(derivedMac(1, "e1000", uuid), "1a:cd:e3:ce:a7:f7");
}

TEST(Nics, keepsValidMacsAndReplacesOthers) {
    Config config = withNics({"mac=AA:BB:cc:00:01:02", "mac=vm", "mac=nonsense", "", "mac=random"});
    ASSERT_EQ(assignNics(config, uuid), "");
    EXPECT_EQ(config.nics[0].mac, "aa:bb:cc:00:01:02");
    EXPECT_EQ(config.nics[1].mac, derivedMac(1, "", uuid));
    EXPECT_EQ(config.nics[2].mac, derivedMac(2, "", uuid));
    EXPECT_EQ(config.nics[3].mac, derivedMac(3, "", uuid));
    EXPECT_TRUE(config.nics[4].mac.starts_with("00:16:3e:")) << config.nics[4].mac;
    EXPECT_LT(config.nics[4].mac[9], '8');
    const std::string random = config.nics[4].mac;
    ASSERT_EQ(assignNics(config, uuid), "");
    EXPECT_EQ(config.nics[4].mac, random) << "a random address stays once it is given";
}

TEST(Nics, givesTheLowestFreeIds) {
    Config config = withNics({"id=1", "", "id=0", "", "id="});
    ASSERT_EQ(assignNics(config, uuid), "");
    std::vector<int> ids;
    for (const NicEntry& nic : config.nics)
        ids.push_back(nic.id);
    EXPECT_EQ(ids, (std::vector<int>{1, 2, 0, 3, 4}));
}

TEST(Nics, refusesEqualIdsAndTooMany) {
    Config config = withNics({"id=3", "id=3"});
    EXPECT_NE(assignNics(config, uuid).find("id 3"), std::string::npos);
    Config many = withNics(std::vector<std::string>(maxNics + 1, ""));
    EXPECT_NE(assignNics(many, uuid).find("33 NICs"), std::string::npos);
    EXPECT_EQ(many.nics[0].id, -1) << "nothing is changed on error";
}

} // namespace
} // namespace xb::xenvm
