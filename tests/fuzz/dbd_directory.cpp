// SPDX-License-Identifier: Apache-2.0
// Hostile: dbd's whole directory (db, the files of VMs and stores, the journal, left-overs, things that are
// none of these), and callers' changes of what was made of it. Whatever is loaded, every change that was
// taken is there after a kill, and after an orderly end.
//
// The input is sections, each from a line "@NAME" on. NAME is a file below the directory; "entry" makes the
// text an entry of the journal's first segment, with the checksum that no mutation would hit; "write PATH",
// "inject PATH" and "rm PATH" are changes, "kill" and "save" what happens between them.
#include "dbd/disk.hpp"
#include "dbd/journal_format.hpp"
#include "dbd/siphash.hpp"
#include "dbd/store.hpp"
#include "memory_file_system.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"

#include <memory>
#include <optional>

namespace xb::fuzz {

namespace {

using namespace xb::dbd;

constexpr const char* directory = "/config";
constexpr std::size_t mostSections = 64;

struct Section {
    std::string name;
    std::string_view text;
};

std::vector<Section> sectionsOf(std::string_view input) {
    std::vector<Section> sections;
    while (!input.empty() && sections.size() < mostSections) {
        if (input.front() != '@')
            break;
        const auto line = std::min(input.find('\n'), input.size());
        const auto next = std::min(input.find("\n@", line), input.size());
        const auto text = std::min(line + 1, next);
        sections.push_back({std::string(input.substr(1, line - 1)), input.substr(text, next - text)});
        input.remove_prefix(std::min(next + 1, input.size()));
    }
    return sections;
}

/// As journal_format.cpp has it; the target dbd_journal would notice another one.
void appendEntry(std::string& out, std::string_view payload) {
    constexpr SipKey key{0x78656e62726f6b65, 0x72206a6f75726e61};
    const auto append = [&out](std::uint64_t number, int bytes) {
        for (int i = 0; i < bytes; ++i)
            out += static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
    };
    append(payload.size(), 4);
    append(sipHash(key, payload), 8);
    out += payload;
}

Limits smallLimits() {
    Limits limits;
    limits.nodes = 1000;
    limits.depth = 16;
    limits.journalBytes = 1U << 20;
    return limits;
}

/// The tree as a text, whatever the order of children: a restart sorts some of them.
void appendSorted(std::string& out, const Node& node) {
    if (!node.isInner()) {
        out += std::to_string(static_cast<int>(node.kind())) + " " + std::string(node.text());
        return;
    }
    std::map<std::string_view, const Node*> children;
    for (const Node* child = node.firstChild(); child != nullptr; child = child->next())
        children[child->name()] = child;
    out += "{";
    for (const auto& [name, child] : children) {
        out.append(name).append(":");
        appendSorted(out, *child);
        out += ",";
    }
    out += "}";
}

std::string dumpOf(const Store& store) {
    std::string text;
    appendSorted(text, store.tree().root());
    return text;
}

/// A start; nothing if dbd would refuse it.
std::unique_ptr<Store> start(MemoryFileSystem& fs) {
    auto store = std::make_unique<Store>(fs, directory, smallLimits());
    try {
        for (const Problem& problem : store->load())
            expect(!problem.text.empty(), "a problem is told");
    } catch (const Error& error) {
        expect(*error.what() != '\0', "an error says why");
        return nullptr;
    }
    return store;
}

void change(Store& store, const std::string& kind, const std::string& path, std::string_view value) {
    const std::string before = dumpOf(store);
    try {
        if (kind == "write")
            store.write(path, value);
        else if (kind == "inject")
            store.inject(path, value);
        else
            store.rm(path);
    } catch (const Error&) {
        expect(dumpOf(store) == before, "what is refused changes nothing");
    }
}

/// Whether there are files of binary nodes, served or hidden by what a .db file says: the next start serves
/// them wherever nothing hides them any more, whatever was done to the tree.
bool hasBinaries(MemoryFileSystem& fs) {
    return !scanDirectory(fs, directory, smallLimits()).binaries.empty();
}

/// A start after `store` was killed, or had ended in order.
std::unique_ptr<Store> again(MemoryFileSystem& fs, std::unique_ptr<Store> store, bool saves,
                             bool comparable) {
    if (saves)
        store->saveNow();
    const std::string before = dumpOf(*store);
    store.reset();
    auto next = start(fs);
    expect(next != nullptr, "what dbd wrote it can start with");
    expect(!comparable || dumpOf(*next) == before,
           "a restart changes nothing: " + before + "\n" + dumpOf(*next));
    return next;
}

void run(std::string_view input) {
    MemoryFileSystem fs;
    fs.put(std::string(directory) + "/set-aside/kept", "");
    std::string journal = journalHeader();
    const std::vector<Section> sections = sectionsOf(input);
    bool nested =
        false; // files in directories of their own, which dbd reads and leaves alone: they come back
    const auto isChange = [](const std::string& name) {
        return name.starts_with("write ") || name.starts_with("inject ") || name.starts_with("rm ");
    };
    for (const Section& section : sections) {
        const std::string path = std::string(directory) + "/" + section.name;
        if (section.name == "entry")
            appendEntry(journal, section.text);
        else if (!isChange(section.name) && section.name != "kill" && section.name != "save" &&
                 !section.name.empty() && section.name.find("//") == std::string::npos &&
                 section.name.find('\0') == std::string::npos && !section.name.ends_with('/') &&
                 !section.name.starts_with('/'))
            nested = (fs.put(path, section.text) && std::ranges::count(section.name, '/') > 1) || nested;
    }
    if (journal != journalHeader())
        fs.put(std::string(directory) + "/journal/00000001.log", journal);
    auto store = start(fs);
    if (!store)
        return;
    const bool comparable = !nested && !hasBinaries(fs);
    for (const Section& section : sections) {
        if (isChange(section.name)) {
            const auto blank = section.name.find(' ');
            change(*store, section.name.substr(0, blank), section.name.substr(blank + 1), section.text);
        } else if (section.name == "kill" || section.name == "save") {
            store = again(fs, std::move(store), section.name == "save", comparable);
        }
    }
    store = again(fs, std::move(store), false, comparable);
    again(fs, std::move(store), true, comparable);
}

const Target target("dbd_directory", run);

} // namespace

} // namespace xb::fuzz
