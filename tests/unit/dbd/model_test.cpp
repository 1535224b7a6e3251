// SPDX-License-Identifier: Apache-2.0
// Random operations on the store and on a simple model: after each the dumps are equal, and every now and
// then the store is saved and loaded again and must still be what the model is.
#include "model_of.hpp"

#include "dbd/store.hpp"
#include "fault_file_system.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace xb::dbd {
namespace {

class RandomOperations {
public:
    explicit RandomOperations(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t bound) { return random_() % bound; }

    Model::Path path() {
        static const std::vector<std::string> heads{"vm", "dom-store", "a", "b"};
        static const std::vector<std::string> names{"a", "b", "c", "0", "1"};
        Model::Path result;
        const std::size_t length = below(20) == 0 ? below(2) : 1 + below(5);
        for (std::size_t i = 0; i < length; ++i)
            result.push_back(i == 0 ? heads[below(heads.size())] : names[below(names.size())]);
        return result;
    }

    /// A path as a caller may spell it.
    std::string spelled(const Model::Path& path) {
        std::string text = below(4) != 0 ? "/" : "";
        for (const std::string& name : path)
            text += name + (below(10) == 0 ? "//" : "/");
        if (!path.empty() && below(2) == 0)
            text.pop_back();
        return text;
    }

    Model value(std::size_t depth) {
        // As they are printed: what a dump says can be compared as text.
        static const std::vector<std::string> leaves{"\"\"",
                                                     "\"text\"",
                                                     "42",
                                                     "-1.50",
                                                     "1e3",
                                                     "true",
                                                     "false",
                                                     "[]",
                                                     "\"a string of more than sixteen\"",
                                                     R"("\"\\\/\b\f\n\r\t\u0001")",
                                                     "\"\xc3\xa4 \xf0\x9f\x96\xa5\"",
                                                     "18446744073709551616",
                                                     "0"};
        const std::size_t kind = below(10);
        if (kind < 2)
            return {};
        if (kind < 5 || depth == 0)
            return Model::leaf(leaves[below(leaves.size())]);
        Model node = Model::nodes();
        for (std::size_t i = below(4); i > 0; --i)
            node.makeChild(std::string(1, static_cast<char>('a' + below(4)))) = value(depth - 1);
        return node;
    }

private:
    std::mt19937 random_;
};

class ModelTest : public testing::TestWithParam<unsigned> {};

TEST_P(ModelTest, StoreAndModelAgree) {
    const TemporaryDirectory dir;
    dir.put("db", "{}");
    FaultFileSystem fs;
    auto store = std::make_unique<Store>(fs, dir.path());
    store->load();
    Model model = Model::nodes();
    std::vector<FileImage> images;
    RandomOperations random(GetParam());
    for (int step = 0; step < 1500; ++step) {
        const Model::Path path = random.path();
        const std::string spelled = random.spelled(path);
        const std::size_t operation = random.below(16);
        if (operation < 6) {
            const std::string text = "value " + std::to_string(step);
            store->write(spelled, text);
            model.write(path, text);
        } else if (operation < 8) {
            const Model value = random.value(3);
            store->inject(spelled, value.dump());
            model.put(path, value);
        } else if (operation < 11) {
            store->rm(spelled);
            model.rm(path);
        } else if (operation < 14 && store->busy()) {
            ASSERT_TRUE(store->completed(writeImages(fs, dir.path(), std::exchange(images, {}))).empty());
            if (random.below(2) == 0) {
                const Removal removal = removeSegments(fs, store->endFlush());
                ASSERT_TRUE(removal.problems.empty());
                store->journal().removed(removal.removed);
            }
        } else if (operation < 14) {
            if (random.below(2) == 0)
                store->beginFlush();
            images = store->takeDirty(1 + random.below(500)); // changes go on while they are written
        } else if (operation == 14) {
            if (!store->busy()) {
                ASSERT_TRUE(store->reloadNow().empty()); // nobody edited anything
            }
        } else {
            const bool dies = random.below(2) == 0; // or ends in order
            if (store->busy() && (!dies || random.below(2) == 0))
                store->completed(writeImages(fs, dir.path(), std::move(images)));
            if (!dies) {
                store->saveNow();
                ASSERT_EQ(store->dirtyFiles(), 0U);
                ASSERT_TRUE(store->journal().empty());
            }
            images.clear();
            store = std::make_unique<Store>(fs, dir.path());
            const auto problems = store->load();
            ASSERT_TRUE(problems.empty()) << problems.front().message();
            ASSERT_TRUE(dies || store->dirtyFiles() == 0);
            Model loaded = modelOf(store->tree().root());
            sortFiles(loaded);
            sortFiles(model);
            ASSERT_EQ(loaded.dump(), model.dump()) << "after reload at step " << step;
            model = modelOf(store->tree().root()); // the order of the files from here on
        }
        ASSERT_EQ(store->tree().dump("/"), model.dump() + "\n") << "step " << step << ", path " << spelled;
        const Model::Path probe = random.path();
        const Model* const expected = model.find(probe);
        ASSERT_EQ(store->tree().exists(random.spelled(probe)), expected != nullptr);
        ASSERT_EQ(store->tree().dump(random.spelled(probe)), (expected ? expected->dump() : "null") + "\n");
        std::vector<std::string> names; // in order
        for (const auto& child : expected ? expected->children : Model().children)
            names.push_back(child.first);
        ASSERT_EQ(store->tree().list(random.spelled(probe)), names);
        ASSERT_EQ(store->tree().size().nodes, store->tree().root().measure().nodes);
        ASSERT_EQ(store->tree().size().bytes, store->tree().root().measure().bytes);
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, testing::Range(1U, 21U));

} // namespace
} // namespace xb::dbd
