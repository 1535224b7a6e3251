// SPDX-License-Identifier: Apache-2.0
#include "power_cut.hpp"

#include "daemon.hpp"

#include "tests/support/disk_log.h"
#include "toolstack/libs/files.hpp"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <set>
#include <stdexcept>

namespace xb::test {

namespace fs = std::filesystem;

std::vector<std::string> onLoggedDisk(const fs::path& log, const fs::path& directory, const std::string& harm,
                                      bool ignoresSync) {
    const char* const options = std::getenv("ASAN_OPTIONS");
    std::vector<std::string> words{"/usr/bin/env",
                                   "ASAN_OPTIONS=" + std::string(options != nullptr ? options : "") +
                                       ":verify_asan_link_order=0",
                                   ("LD_PRELOAD=" DISK_LOG_LIBRARY),
                                   XB_DISK_LOG "=" + log.string(),
                                   XB_DISK_DIRECTORY "=" + directory.string(),
                                   XB_DISK_EXCEPT "=" + lockIn(directory).string(),
                                   XB_DISK_IGNORES "=" + std::string(ignoresSync ? "1" : "0")};
    if (!harm.empty())
        words.push_back(XB_DISK_HARM "=" + harm);
    return words;
}

std::vector<DiskRecord> readDiskLog(const fs::path& log) {
    const std::string bytes = readFile(log);
    std::vector<DiskRecord> records;
    std::size_t at = 0;
    const auto text = [&](std::size_t size) {
        at += size;
        return bytes.substr(at - size, size);
    };
    while (bytes.size() - at >= sizeof(xb_disk_record)) {
        xb_disk_record head{};
        std::memcpy(&head, text(sizeof head).data(), sizeof head);
        if (bytes.size() - at < std::size_t{head.path_bytes} + head.second_bytes + head.data_bytes)
            break;
        DiskRecord record{head.kind, head.file, head.sync, head.time, {}, {}, {}, 0};
        record.path = text(head.path_bytes);
        record.second = text(head.second_bytes);
        record.data = text(head.data_bytes);
        record.end = at;
        records.push_back(std::move(record));
    }
    return records;
}

const char* nameOf(Unsynced fate) {
    switch (fate) {
    case Unsynced::lost:
        return "all lost";
    case Unsynced::namesStay:
        return "bytes lost";
    case Unsynced::bytesStay:
        return "names lost";
    case Unsynced::halfStays:
        return "half of the bytes lost";
    case Unsynced::zeros:
        return "bytes become zeros";
    case Unsynced::random:
        return "anything";
    }
    return "?";
}

// ---- The disk while the program works ----

Disk::Disk(const fs::path& directory) : top_(directory), root_(load(directory)) {}

std::shared_ptr<Disk::Node> Disk::load(const fs::path& directory) {
    auto node = std::make_shared<Node>();
    node->isDirectory = true;
    for (const auto& entry : fs::directory_iterator(directory)) {
        auto& child = node->names[entry.path().filename()];
        if (entry.is_directory()) {
            child = load(entry.path());
            continue;
        }
        child = std::make_shared<Node>();
        child->bytes = child->syncedBytes = readFile(entry.path());
    }
    node->syncedNames = node->names;
    return node;
}

std::shared_ptr<Disk::Node> Disk::find(const fs::path& path) const {
    if (path == top_)
        return root_;
    const Names& names = parentOf(path);
    const auto found = names.find(path.filename());
    if (found == names.end())
        throw std::runtime_error("the log names what is not there: " + path.string());
    return found->second;
}

Disk::Names& Disk::parentOf(const fs::path& path) const {
    if (!path.string().starts_with(top_.string() + "/"))
        throw std::runtime_error("the log leaves its directory: " + path.string());
    return find(path.parent_path())->names;
}

std::shared_ptr<Disk::Node> Disk::take(Names& names, const fs::path& path) {
    const auto found = names.find(path.filename());
    if (found == names.end())
        throw std::runtime_error("the log takes away what is not there: " + path.string());
    auto node = found->second;
    names.erase(found);
    return node;
}

void Disk::apply(const DiskRecord& record) {
    switch (static_cast<xb_disk_kind>(record.kind)) {
    case XB_DISK_CREATE:
    case XB_DISK_MAKE: {
        auto node = std::make_shared<Node>();
        node->isDirectory = record.kind == XB_DISK_MAKE;
        parentOf(record.path)[fs::path(record.path).filename()] = node;
        if (!node->isDirectory)
            files_[record.file] = node;
        return;
    }
    case XB_DISK_OPEN:
        files_[record.file] = find(record.path);
        return;
    case XB_DISK_WRITE:
        files_.at(record.file)->bytes += record.data;
        return;
    case XB_DISK_RENAME: {
        auto node = take(parentOf(record.path), record.path);
        parentOf(record.second)[fs::path(record.second).filename()] = std::move(node);
        return;
    }
    case XB_DISK_UNLINK:
        take(parentOf(record.path), record.path);
        return;
    case XB_DISK_SYNC_BEGIN: {
        auto node = record.file != 0 ? files_.at(record.file) : find(record.path);
        syncs_[record.sync] = {node, node->bytes, node->names};
        return;
    }
    case XB_DISK_SYNC_END: {
        const Sync sync = std::move(syncs_.extract(record.sync).mapped());
        sync.node->syncedNames = sync.names;
        if (sync.bytes.size() > sync.node->syncedBytes.size()) // files only grow
            sync.node->syncedBytes = sync.bytes;
        return;
    }
    case XB_DISK_HARMED:
        return;
    case XB_DISK_UNKNOWN:
        break;
    }
    throw std::runtime_error("the log cannot express " + record.path);
}

// ---- The disk after the cut ----

namespace {

class Survivors {
public:
    Survivors(Unsynced fate, unsigned seed) : fate_(fate), random_(seed) {}

    bool newNameStays() {
        if (fate_ == Unsynced::random)
            return random_() % 2 == 0;
        return fate_ != Unsynced::lost && fate_ != Unsynced::bytesStay;
    }
    std::string bytesOf(const std::string& synced, const std::string& all) {
        const std::size_t more = all.size() - synced.size();
        switch (fate_) {
        case Unsynced::lost:
        case Unsynced::namesStay:
            return synced;
        case Unsynced::bytesStay:
            return all;
        case Unsynced::halfStays:
            return all.substr(0, synced.size() + more / 2);
        case Unsynced::zeros:
            return synced + std::string(more, '\0');
        case Unsynced::random:
            break;
        }
        const std::size_t kept = random_() % (more + 1);
        return all.substr(0, synced.size() + kept) + std::string(random_() % (more - kept + 1), '\0');
    }

private:
    Unsynced fate_;
    std::mt19937 random_;
};

template <class Node>
void writeNode(const Node& node, const fs::path& path, Survivors& survivors) {
    if (!node.isDirectory) {
        const std::string bytes = survivors.bytesOf(node.syncedBytes, node.bytes);
        std::ofstream(path, std::ios::binary) << bytes;
        return;
    }
    fs::create_directory(path);
    std::set<std::string> names;
    for (const auto* each : {&node.names, &node.syncedNames}) {
        for (const auto& [name, child] : *each)
            names.insert(name);
    }
    for (const std::string& name : names) {
        const auto now = node.names.find(name);
        const auto synced = node.syncedNames.find(name);
        const bool same =
            now != node.names.end() && synced != node.syncedNames.end() && now->second == synced->second;
        if (same || survivors.newNameStays()) {
            if (now != node.names.end())
                writeNode(*now->second, path / name, survivors);
        } else if (synced != node.syncedNames.end()) {
            writeNode(*synced->second, path / name, survivors);
        }
    }
}

} // namespace

void Disk::writeAfterCut(const fs::path& directory, Unsynced fate, unsigned seed) const {
    Survivors survivors(fate, seed);
    writeNode(*root_, directory, survivors);
}

} // namespace xb::test
