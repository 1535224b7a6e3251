// SPDX-License-Identifier: Apache-2.0
// A store on a directory of its own that can be started, saved and started again.
#pragma once

#include "dbd/store.hpp"
#include "fault_file_system.hpp"
#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace xb::dbd {

class StoreTest : public testing::Test {
protected:
    /// Starts over from the files, as a new process would.
    void start() {
        store = std::make_unique<Store>(fs, dir.path());
        problems = store->load();
    }
    std::string startError() {
        try {
            start();
        } catch (const Error& error) {
            return error.what();
        }
        return {};
    }
    void save() { problems = store->saveNow(); }
    std::string read(const char* path) const { return store->tree().read(path); }
    std::string allProblems() const {
        std::string text;
        for (const Problem& problem : problems)
            text += problem.message() + "\n";
        return text;
    }
    void startWith(std::string_view db) {
        dir.put("db", db);
        start();
        ASSERT_EQ(allProblems(), "");
    }

    TemporaryDirectory dir;
    FaultFileSystem fs;
    std::unique_ptr<Store> store;
    std::vector<Problem> problems;
};

} // namespace xb::dbd
