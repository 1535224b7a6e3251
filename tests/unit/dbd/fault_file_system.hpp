// SPDX-License-Identifier: Apache-2.0
// A file system for tests that passes everything on to the real one until its fault comes: at the n-th change
// it fails with an errno, writes short, or "kills the process" (throws, and refuses everything after). Also a
// temporary directory that is gone at the end of the test.
#pragma once

#include "dbd/file_system.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <cstdlib>
#include <unistd.h>

namespace xb::dbd {

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        // In memory where that exists: the tests make thousands of directories.
        const bool memory = std::getenv("TMPDIR") == nullptr && ::access("/dev/shm", W_OK) == 0;
        const std::filesystem::path place = memory ? "/dev/shm" : std::filesystem::temp_directory_path();
        std::string name = (place / "dbd-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw std::system_error(errno, std::generic_category(), name);
        path_ = name;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    const std::string& path() const { return path_; }
    void put(const std::string& name, std::string_view text) const {
        const std::filesystem::path file = std::filesystem::path(path_) / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
    }
    std::string get(const std::string& name) const {
        std::ifstream file(path_ + "/" + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    bool has(const std::string& name) const { return std::filesystem::exists(path_ + "/" + name); }

private:
    std::string path_;
};

/// What a kill looks like from inside.
struct Killed : std::runtime_error {
    Killed() : std::runtime_error("killed") {}
};

class FaultFileSystem final : public FileSystem {
public:
    enum class Fault { None, Fail, Kill };

    /// The fault comes at change number `at`, from 1.
    void arm(Fault fault, std::size_t at, int value = 0, bool sticky = false) {
        fault_ = fault;
        at_ = at;
        errno_ = value;
        sticky_ = sticky;
        changes_ = 0;
        dead_ = false;
    }
    void disarm() { arm(Fault::None, 0); }
    void writeAtMost(std::size_t bytes) { atMost_ = bytes; }
    std::size_t changes() const { return changes_; }
    std::size_t creations() const { return creations_; }
    bool fired() const { return fault_ != Fault::None && changes_ >= at_; }

    std::error_code stat(const std::string& path, std::optional<FileStat>& out) override {
        look();
        return real_.stat(path, out);
    }
    std::error_code list(const std::string& path, std::vector<std::string>& names) override {
        look();
        return real_.list(path, names);
    }
    std::error_code read(const std::string& path, std::size_t limit, std::string& text,
                         FileStat& stat) override {
        look();
        if (!unreadable.empty() && path.ends_with(unreadable))
            return {EACCES, std::generic_category()};
        return real_.read(path, limit, text, stat);
    }
    std::error_code create(const std::string& path, std::unique_ptr<OutputFile>& out) override {
        if (const std::error_code error = change())
            return error;
        ++creations_;
        log.push_back("create " + path);
        std::unique_ptr<OutputFile> file;
        if (const std::error_code error = real_.create(path, file))
            return error;
        out = std::make_unique<Output>(*this, std::move(file));
        return {};
    }
    std::error_code rename(const std::string& from, const std::string& to) override {
        const std::error_code error = change();
        log.push_back("rename " + to);
        return error ? error : real_.rename(from, to);
    }
    std::error_code unlink(const std::string& path) override {
        const std::error_code error = change();
        log.push_back("unlink " + path);
        return error ? error : real_.unlink(path);
    }
    std::error_code makeDirectory(const std::string& path) override {
        const std::error_code error = change();
        return error ? error : real_.makeDirectory(path);
    }
    std::error_code syncDirectory(const std::string& path) override {
        const std::error_code error = change();
        log.push_back("sync " + path);
        return error || !reallySync ? error : real_.syncDirectory(path);
    }

    std::string unreadable;       ///< files whose path ends so cannot be read
    std::vector<std::string> log; ///< the changes, in order
    bool reallySync = false;      ///< nothing here outlives a power cut, so syncs are only counted

private:
    class Output final : public OutputFile {
    public:
        Output(FaultFileSystem& owner, std::unique_ptr<OutputFile> file)
            : owner_(owner), file_(std::move(file)) {}
        std::error_code write(std::string_view data, std::size_t& written) override {
            // A fault in the middle of a write leaves half of it.
            const bool hit = owner_.next();
            owner_.log.push_back("write");
            if (hit && data.size() > 1)
                static_cast<void>(file_->write(data.substr(0, data.size() / 2), written));
            if (hit)
                return owner_.strike();
            return file_->write(data.substr(0, owner_.atMost_), written);
        }
        std::error_code sync() override {
            const std::error_code error = owner_.change();
            owner_.log.push_back("sync the file");
            return error || !owner_.reallySync ? error : file_->sync();
        }
        std::error_code stat(FileStat& out) override { return file_->stat(out); }

    private:
        FaultFileSystem& owner_;
        std::unique_ptr<OutputFile> file_;
    };

    void look() const {
        if (dead_)
            throw Killed();
    }
    bool next() {
        look();
        ++changes_;
        return fault_ != Fault::None && (changes_ == at_ || (sticky_ && changes_ > at_));
    }
    std::error_code strike() {
        if (fault_ == Fault::Kill) {
            dead_ = true;
            throw Killed();
        }
        return {errno_, std::generic_category()};
    }
    std::error_code change() { return next() ? strike() : std::error_code{}; }

    PosixFileSystem real_;
    Fault fault_ = Fault::None;
    std::size_t at_ = 0;
    int errno_ = 0;
    bool sticky_ = false;
    bool dead_ = false;
    std::size_t changes_ = 0;
    std::size_t creations_ = 0;
    std::size_t atMost_ = static_cast<std::size_t>(-1);
};

} // namespace xb::dbd
