// SPDX-License-Identifier: Apache-2.0
#include "dbd/dry_run.hpp"

#include <cerrno>

namespace xb::dbd {

namespace {

std::error_code errorOf(int value) {
    return {value, std::generic_category()};
}

FileStat statOf(const std::string& text) {
    FileStat stat;
    stat.type = FileStat::Type::Regular;
    stat.size = text.size();
    return stat;
}

class TextFile final : public OutputFile {
public:
    explicit TextFile(std::shared_ptr<std::string> text) : text_(std::move(text)) {}
    std::error_code write(std::string_view data, std::size_t& written) override {
        *text_ += data;
        written = data.size();
        return {};
    }
    std::error_code sync() override { return {}; }
    std::error_code stat(FileStat& out) override {
        out = statOf(*text_);
        return {};
    }

private:
    std::shared_ptr<std::string> text_;
};

} // namespace

void DryRun::put(const std::string& path, std::string text) {
    changed_[path] = {std::nullopt, std::make_shared<std::string>(std::move(text))};
}

/// What is at `path` now; ENOENT if nothing is.
std::error_code DryRun::entry(const std::string& path, Entry& out) {
    const auto found = changed_.find(path);
    out = found == changed_.end() ? Entry{path, nullptr} : found->second;
    std::optional<FileStat> there;
    if (out.original) {
        if (const std::error_code error = disk_.stat(*out.original, there))
            return error;
    }
    return there || out.text != nullptr ? std::error_code{} : errorOf(ENOENT);
}

std::error_code DryRun::stat(const std::string& path, std::optional<FileStat>& out) {
    out.reset();
    const auto found = changed_.find(path);
    if (found == changed_.end())
        return disk_.stat(path, out);
    if (found->second.original)
        return disk_.stat(*found->second.original, out);
    if (found->second.text != nullptr)
        out = statOf(*found->second.text);
    return {};
}

std::error_code DryRun::list(const std::string& path, std::vector<std::string>& names) {
    return disk_.list(path, names);
}

std::error_code DryRun::read(const std::string& path, std::size_t limit, std::string& text, FileStat& stat) {
    const auto found = changed_.find(path);
    if (found == changed_.end())
        return disk_.read(path, limit, text, stat);
    if (found->second.original)
        return disk_.read(*found->second.original, limit, text, stat);
    if (found->second.text == nullptr)
        return errorOf(ENOENT);
    if (found->second.text->size() > limit)
        return errorOf(EFBIG);
    text = *found->second.text;
    stat = statOf(text);
    return {};
}

std::error_code DryRun::create(const std::string& path, std::unique_ptr<OutputFile>& out) {
    Entry there;
    if (!entry(path, there))
        return errorOf(EEXIST);
    put(path, {});
    out = std::make_unique<TextFile>(changed_[path].text);
    return {};
}

std::error_code DryRun::rename(const std::string& from, const std::string& to) {
    Entry moved;
    if (const std::error_code error = entry(from, moved))
        return error;
    changed_[to] = moved;
    changed_[from] = {};
    return {};
}

std::error_code DryRun::unlink(const std::string& path) {
    Entry gone;
    if (const std::error_code error = entry(path, gone))
        return error;
    changed_[path] = {};
    unlinked_.push_back(path);
    return {};
}

std::error_code DryRun::makeDirectory(const std::string&) {
    return errorOf(EEXIST); // as good as made
}

std::error_code DryRun::syncDirectory(const std::string&) {
    return {};
}

} // namespace xb::dbd
