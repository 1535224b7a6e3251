// SPDX-License-Identifier: Apache-2.0
// xenmgr with one VM of which it tells two properties, on a thread of its own: connecting to the proxy blocks
// the test's, and waits for the answers.
#pragma once

#include <memory>
#include <string>

namespace xb::test {

class FakeXenmgr {
public:
    /// Returns when it is on the bus.
    FakeXenmgr(const std::string& address, const std::string& uuid, const std::string& type, bool flag);
    FakeXenmgr(const FakeXenmgr&) = delete;
    FakeXenmgr& operator=(const FakeXenmgr&) = delete;
    ~FakeXenmgr();

    /// Changes the properties "type" and "flag", and says that something changed.
    void change(const std::string& type, bool flag);

private:
    class Running;
    std::unique_ptr<Running> running_;
};

} // namespace xb::test
