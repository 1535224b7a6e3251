// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/db.hpp"

#include "toolstack/libs/log.hpp"

#include <charconv>
#include <utility>

namespace xb::xenmgr {

namespace {

constexpr auto databasePath = "/";

// A guest's private store: not ours to keep.
constexpr std::string_view privateStores = "dom-store";

bool isMirrored(std::string_view path) {
    while (path.starts_with('/'))
        path.remove_prefix(1);
    return path.substr(0, path.find('/')) != privateStores;
}

// A dbd that is away answers nothing; say so in our words.
template <class T>
Task<T> orUnavailable(Task<T> call) {
    try {
        co_return co_await std::move(call);
    } catch (const Error& e) {
        if (e.name() == errors::serviceUnknown || e.name() == errors::nameHasNoOwner ||
            e.name() == errors::noReply)
            throw Error(errors::serviceUnknown, "the configuration database (dbd, " +
                                                    std::string(databaseService) +
                                                    ") is not running: " + e.what());
        throw;
    }
}

} // namespace

Db::Db(Bus& bus)
    : bus_(bus), client_(bus, databaseService, databasePath), extension_(bus, databaseService, databasePath),
      available_(bus.loop().executor()), caughtUp_(bus.loop().executor()) {
    ownerWatch_ =
        bus_.onOwnerChanged(databaseService, [this](const std::string& owner) { ownerChanged(owner); });
    changes_ = extension_.onChanged([this](const std::vector<std::string>& paths) { changed(paths); });
}

Task<> Db::start() {
    if (auto owner = co_await bus_.owner(databaseService)) {
        owner_ = *owner;
        available_.set();
    } else {
        log::info("waiting for the configuration database ({})", databaseService);
    }
    while (!available_.isSet())
        co_await available_.wait();
    following_ = true; // what changes meanwhile is fetched after, not into the tree that is being replaced
    co_await fetchAll();
    started_ = true;
    co_await follow();
}

Task<> Db::fresh() {
    const std::uint64_t wanted = told_;
    while (followed_ < wanted)
        co_await caughtUp_.wait();
}

void Db::requireAvailable() const {
    if (owner_.empty())
        throw Error(errors::serviceUnknown, "the configuration database (dbd, " +
                                                std::string(databaseService) +
                                                ") is not running; start it and try again");
}

std::string Db::read(std::string_view path, std::string_view fallback) const {
    const dbd::Node* const node = find(path);
    return node != nullptr ? dbd::Tree::valueOf(*node) : std::string(fallback);
}

const dbd::Node* Db::find(std::string_view path) const {
    if (focusNode_ != nullptr && path.starts_with(focusPath_))
        return dbd::Tree::findBelow(*focusNode_, path.substr(focusPath_.size()));
    return tree_.find(path);
}

bool Db::readBool(std::string_view path, bool fallback) const {
    const dbd::Node* const node = find(path);
    if (node == nullptr)
        return fallback;
    const std::string text = dbd::Tree::valueOf(*node);
    if (text == "true" || text == "yes" || text == "1")
        return true;
    if (text == "false" || text == "no" || text == "0")
        return false;
    if (!text.empty())
        log::warn("database: {} is \"{}\", neither true nor false; taken as {}", path, text, fallback);
    return fallback;
}

int Db::readInt(std::string_view path, int fallback) const {
    const dbd::Node* const node = find(path);
    if (node == nullptr)
        return fallback;
    const std::string text = dbd::Tree::valueOf(*node);
    int value = 0;
    const bool hex = text.starts_with("0x");
    const char* begin = text.data() + (hex ? 2 : 0);
    const char* end = text.data() + text.size();
    auto [rest, error] = std::from_chars(begin, end, value, hex ? 16 : 10);
    if (error == std::errc() && rest == end && begin != end)
        return value;
    if (!text.empty())
        log::warn("database: {} is \"{}\", not a number; taken as {}", path, text, fallback);
    return fallback;
}

Task<> Db::write(std::string path, std::string value) {
    co_await orUnavailable(client_.write(path, value));
    if (isMirrored(path))
        tree_.write(path, value);
}

Task<> Db::inject(std::string path, std::string json) {
    co_await orUnavailable(client_.inject(path, json));
    // dbd answers when the file is on disk; what others changed meanwhile is newer than what we sent.
    co_await fetchOne(path);
}

Task<> Db::remove(std::string path) {
    co_await orUnavailable(client_.rm(path));
    co_await fetchOne(path);
}

Task<std::string> Db::readRemote(std::string path) {
    co_return co_await orUnavailable(client_.read(path));
}

void Db::ownerChanged(const std::string& owner) {
    if (owner.empty()) {
        log::warn("the configuration database is gone; its last values are served until it is back");
        owner_.clear();
        available_.clear();
        return;
    }
    const bool known = owner == owner_;
    owner_ = owner;
    available_.set();
    if (!known && started_)
        changed({"/"});
}

// Many changes may come at once, and a bus allows a client only so many calls under way: one at a time, and
// what changed again while it waited is fetched once.
void Db::changed(const std::vector<std::string>& paths) {
    announced_.insert(paths.begin(), paths.end());
    ++told_;
    if (std::exchange(following_, true))
        return;
    bus_.loop().spawn("following changes of the database", follow());
}

Task<> Db::follow() {
    while (!announced_.empty()) {
        const auto paths = std::exchange(announced_, {});
        const std::uint64_t told = told_;
        for (const auto& path : paths)
            co_await followOne(path);
        followed_ = told;
        caughtUp_.set();
        caughtUp_.clear();
    }
    following_ = false;
}

Task<> Db::followOne(std::string path) {
    try {
        co_await fetchOne(path);
        if (listener_)
            listener_(path);
    } catch (const std::exception& e) {
        log::warn("cannot follow a change of {} in the database: {}", path, e.what());
    }
}

Task<> Db::fetchAll() {
    co_await extension_.watch("/");
    auto names = co_await client_.list("/");
    dbd::Tree tree;
    for (const auto& name : names) {
        if (name == privateStores)
            continue;
        const std::string path = "/" + name;
        const std::string json = co_await client_.dump(path);
        tree.inject(path, json);
    }
    tree_ = std::move(tree);
}

Task<> Db::fetchOne(std::string path) {
    if (path.find_first_not_of('/') == std::string::npos) { // all of it
        co_await fetchAll();
        co_return;
    }
    if (!isMirrored(path))
        co_return;
    // An empty document is what dbd dumps for nothing at all and for an Empty node: they read the same.
    const std::string json = co_await client_.dump(path);
    if (json.starts_with("null"))
        tree_.rm(path);
    else
        tree_.inject(path, json);
}

} // namespace xb::xenmgr
