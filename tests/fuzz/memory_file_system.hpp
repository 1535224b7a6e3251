// SPDX-License-Identifier: Apache-2.0
// A file system for dbd that is a map: no input can reach the real one, and a start costs nothing.
#pragma once

#include "dbd/file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

namespace xb::fuzz {

class MemoryFileSystem final : public dbd::FileSystem {
public:
    /// Makes a file, and the directories that lead to it. False where something else is in the way.
    bool put(const std::string& path, std::string_view text) {
        for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
            if (files_.contains(path.substr(0, slash)))
                return false;
            directories_.insert(path.substr(0, slash));
        }
        if (directories_.contains(path))
            return false;
        files_[path] = File{std::string(text), ++clock_, ++clock_};
        return true;
    }

    std::error_code stat(const std::string& path, std::optional<dbd::FileStat>& out) override {
        out.reset();
        if (directories_.contains(path))
            out = dbd::FileStat{dbd::FileStat::Type::Directory, 0, 0, 0};
        else if (const auto file = files_.find(path); file != files_.end())
            out = file->second.stat();
        return {};
    }
    std::error_code list(const std::string& path, std::vector<std::string>& names) override {
        names.clear();
        if (!directories_.contains(path))
            return error(files_.contains(path) ? ENOTDIR : ENOENT);
        for (const std::string& each : directories_)
            addChild(path, each, names);
        for (const auto& [each, file] : files_)
            addChild(path, each, names);
        std::ranges::sort(names);
        return {};
    }
    std::error_code read(const std::string& path, std::size_t limit, std::string& text,
                         dbd::FileStat& stat) override {
        const auto file = files_.find(path);
        if (file == files_.end())
            return error(directories_.contains(path) ? EISDIR : ENOENT);
        if (file->second.text.size() > limit)
            return error(EFBIG);
        text = file->second.text;
        stat = file->second.stat();
        return {};
    }
    std::error_code create(const std::string& path, std::unique_ptr<dbd::OutputFile>& out) override {
        if (files_.contains(path) || directories_.contains(path))
            return error(EEXIST);
        if (!directories_.contains(parentOf(path)))
            return error(ENOENT);
        files_[path] = File{{}, ++clock_, ++clock_};
        out = std::make_unique<Output>(*this, files_[path].inode);
        return {};
    }
    std::error_code rename(const std::string& from, const std::string& to) override {
        if (!files_.contains(from) || !directories_.contains(parentOf(to)))
            return error(ENOENT);
        if (directories_.contains(to))
            return error(EISDIR);
        files_[to] = std::move(files_.extract(from).mapped());
        return {};
    }
    std::error_code unlink(const std::string& path) override {
        if (directories_.contains(path))
            return error(EISDIR);
        return files_.erase(path) != 0 ? std::error_code{} : error(ENOENT);
    }
    std::error_code makeDirectory(const std::string& path) override {
        if (files_.contains(path) || directories_.contains(path))
            return error(EEXIST);
        if (!directories_.contains(parentOf(path)))
            return error(ENOENT);
        directories_.insert(path);
        return {};
    }
    std::error_code syncDirectory(const std::string& path) override {
        return directories_.contains(path) || files_.contains(path) ? std::error_code{} : error(ENOENT);
    }

private:
    struct File {
        std::string text;
        std::int64_t modified = 0;
        std::uint64_t inode = 0;
        dbd::FileStat stat() const { return {dbd::FileStat::Type::Regular, text.size(), modified, inode}; }
    };
    class Output final : public dbd::OutputFile {
    public:
        Output(MemoryFileSystem& owner, std::uint64_t inode) : owner_(owner), inode_(inode) {}
        std::error_code write(std::string_view data, std::size_t& written) override {
            if (File* const file = owner_.find(inode_))
                file->text += data;
            written = data.size();
            return {};
        }
        std::error_code sync() override { return {}; }
        std::error_code stat(dbd::FileStat& out) override {
            if (const File* const file = owner_.find(inode_))
                out = file->stat();
            return {};
        }

    private:
        MemoryFileSystem& owner_;
        std::uint64_t inode_;
    };

    static std::error_code error(int value) { return {value, std::generic_category()}; }
    static std::string parentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }
    static void addChild(const std::string& parent, const std::string& path,
                         std::vector<std::string>& names) {
        if (parentOf(path) == parent)
            names.push_back(path.substr(parent.size() + 1));
    }
    File* find(std::uint64_t inode) {
        for (auto& [path, file] : files_) {
            if (file.inode == inode)
                return &file;
        }
        return nullptr;
    }

    std::map<std::string, File> files_;
    std::set<std::string> directories_;
    std::uint32_t clock_ = 0;
};

} // namespace xb::fuzz
