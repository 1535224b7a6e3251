// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/output.hpp"

#include "rpcgen/input_error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace xb::rpcgen {

namespace {

namespace fs = std::filesystem;

bool hasText(const fs::path& file, const std::string& text) {
    std::error_code missing;
    if (fs::file_size(file, missing) != text.size() || missing)
        return false;
    std::ifstream stream(file, std::ios::binary);
    const std::string present{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    return stream && present == text;
}

// A file under another name beside its place, until it is renamed into it.
class Pending {
public:
    Pending(fs::path target, const std::string& text)
        : target_(std::move(target)), temporary_(target_.string() + ".tmp" + std::to_string(::getpid())) {
        // Exclusive, so that nothing that lies there is followed or overwritten.
        std::FILE* file = std::fopen(temporary_.c_str(), "wxe");
        if (!file)
            fail();
        ours_ = true;
        const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
        if (std::fclose(file) != 0 || !written)
            fail();
    }
    Pending(Pending&& other) noexcept
        : target_(std::move(other.target_)), temporary_(std::move(other.temporary_)),
          ours_(std::exchange(other.ours_, false)) {}
    Pending& operator=(Pending&&) = delete;
    ~Pending() { discard(); }

    void commit() {
        std::error_code error;
        fs::rename(temporary_, target_, error);
        if (error)
            throw ToolError(fmt::format("cannot write {}: {}", target_.string(), error.message()));
        ours_ = false;
    }

private:
    [[noreturn]] void fail() {
        const int reason = errno;
        discard();
        throw ToolError(fmt::format("cannot write {}: {}", temporary_.string(), std::strerror(reason)));
    }
    void discard() {
        std::error_code ignored; // whatever kept us from writing it may keep us from removing it
        if (ours_)
            fs::remove(temporary_, ignored);
        ours_ = false;
    }

    fs::path target_;
    fs::path temporary_;
    bool ours_ = false;
};

} // namespace

void writeFiles(const fs::path& directory, const std::vector<OutputFile>& files) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error)
        throw ToolError(fmt::format("cannot make the directory {}: {}", directory.string(), error.message()));
    std::vector<Pending> pending;
    pending.reserve(files.size());
    for (const auto& file : files)
        if (!hasText(directory / file.name, file.text))
            pending.emplace_back(directory / file.name, file.text);
    for (auto& file : pending)
        file.commit();
}

} // namespace xb::rpcgen
