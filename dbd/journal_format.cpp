// SPDX-License-Identifier: Apache-2.0
#include "dbd/journal_format.hpp"

#include "dbd/siphash.hpp"

#include <algorithm>
#include <concepts>
#include <stdexcept>

namespace xb::dbd {

namespace {

constexpr std::string_view magic = "xenbroker journal 1\n";
// Against accidents, not against people: whoever can write here can write the files as well.
constexpr SipKey checksumKey{0x78656e62726f6b65, 0x72206a6f75726e61};
constexpr std::size_t entryHeaderBytes = 4 + 8; // length, checksum

enum class EntryType : std::uint8_t { change = 1, mark = 2 };

template <std::unsigned_integral T>
void appendNumber(std::string& out, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
        out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

void appendText(std::string& out, std::string_view text) {
    appendNumber(out, static_cast<std::uint32_t>(text.size()));
    out += text;
}

template <std::unsigned_integral T>
T numberAt(std::string_view bytes) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i)
        value = static_cast<T>(value | (static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i)));
    return value;
}

// Reads a payload from its beginning; the first thing that does not fit makes everything after it fail as
// well.
class PayloadReader {
public:
    explicit PayloadReader(std::string_view bytes) : rest_(bytes) {}

    template <std::unsigned_integral T>
    T number() {
        if (rest_.size() < sizeof(T)) {
            fail();
            return 0;
        }
        const T value = numberAt<T>(rest_);
        rest_.remove_prefix(sizeof(T));
        return value;
    }
    std::string_view text() {
        const std::size_t size = number<std::uint32_t>();
        if (rest_.size() < size) {
            fail();
            return {};
        }
        const std::string_view result = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return result;
    }
    bool good() const { return good_; }
    bool atEnd() const { return good_ && rest_.empty(); }

private:
    void fail() {
        good_ = false;
        rest_ = {};
    }
    std::string_view rest_;
    bool good_ = true;
};

// An entry that has room for its header; finish() fills that in.
std::size_t begin(std::string& out, EntryType type) {
    const std::size_t start = out.size();
    out.append(entryHeaderBytes, '\0');
    appendNumber(out, static_cast<std::uint8_t>(type));
    return start;
}

void finish(std::string& out, std::size_t start) {
    const std::string_view payload = std::string_view(out).substr(start + entryHeaderBytes);
    if (payload.size() > maxEntryBytes)
        throw std::length_error("a change is too large for the journal");
    std::string header;
    appendNumber(header, static_cast<std::uint32_t>(payload.size()));
    appendNumber(header, sipHash(checksumKey, payload));
    out.replace(start, entryHeaderBytes, header);
}

bool readChange(PayloadReader& reader, JournalEntry& entry) {
    Change change;
    change.sequence = reader.number<std::uint64_t>();
    const auto count = reader.number<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && reader.good(); ++i) {
        const auto kind = reader.number<std::uint8_t>();
        if (kind < static_cast<int>(StepKind::write) || kind > static_cast<int>(StepKind::remove))
            return false;
        Step step{static_cast<StepKind>(kind), std::string(reader.text()), {}};
        step.value = reader.text();
        change.steps.push_back(std::move(step));
    }
    entry = std::move(change);
    return reader.atEnd();
}

bool readMark(PayloadReader& reader, JournalEntry& entry) {
    FileMark mark;
    const auto kind = reader.number<std::uint8_t>();
    if (kind < static_cast<int>(FileMark::Kind::found) || kind > static_cast<int>(FileMark::Kind::saved))
        return false;
    mark.kind = static_cast<FileMark::Kind>(kind);
    mark.position = reader.number<std::uint64_t>();
    mark.exists = reader.number<std::uint8_t>() != 0;
    mark.size = reader.number<std::uint64_t>();
    mark.hash = reader.number<std::uint64_t>();
    mark.record = reader.text();
    entry = std::move(mark);
    return reader.atEnd();
}

bool readEntry(std::string_view payload, JournalEntry& entry) {
    PayloadReader reader(payload);
    switch (static_cast<EntryType>(reader.number<std::uint8_t>())) {
    case EntryType::change:
        return readChange(reader, entry);
    case EntryType::mark:
        return readMark(reader, entry);
    }
    return false;
}

} // namespace

std::string_view nameOf(StepKind kind) {
    switch (kind) {
    case StepKind::write:
        return "write";
    case StepKind::inject:
        return "inject";
    case StepKind::rm:
    case StepKind::remove:
        return "rm";
    case StepKind::discard:
        return "discard";
    }
    return "?";
}

std::string journalHeader() {
    return std::string(magic);
}

void appendChange(std::string& out, std::uint64_t sequence, std::span<const StepView> steps) {
    const std::size_t start = begin(out, EntryType::change);
    appendNumber(out, sequence);
    appendNumber(out, static_cast<std::uint32_t>(steps.size()));
    for (const StepView& step : steps) {
        appendNumber(out, static_cast<std::uint8_t>(step.kind));
        appendText(out, step.path);
        appendText(out, step.value);
    }
    finish(out, start);
}

void appendMark(std::string& out, const FileMark& mark) {
    const std::size_t start = begin(out, EntryType::mark);
    appendNumber(out, static_cast<std::uint8_t>(mark.kind));
    appendNumber(out, mark.position);
    appendNumber(out, static_cast<std::uint8_t>(mark.exists));
    appendNumber(out, mark.size);
    appendNumber(out, mark.hash);
    appendText(out, mark.record);
    finish(out, start);
}

JournalSegment parseSegment(std::string_view bytes) {
    JournalSegment result;
    const auto stop = [&result](std::string why, bool torn) {
        result.trouble = std::move(why);
        result.torn = torn;
    };
    if (!bytes.starts_with(magic)) {
        const bool torn = magic.starts_with(bytes) || bytes.find_first_not_of('\0') == std::string_view::npos;
        stop("is not a journal of this version", torn);
        return result;
    }
    result.goodBytes = magic.size();
    while (result.goodBytes < bytes.size()) {
        const std::string_view rest = bytes.substr(result.goodBytes);
        // A file that grew before its content reached the disk ends in zeros.
        if (rest.find_first_not_of('\0') == std::string_view::npos) {
            stop("ends in zeros", true);
            return result;
        }
        const std::size_t size = rest.size() < entryHeaderBytes ? 0 : numberAt<std::uint32_t>(rest);
        if (rest.size() < entryHeaderBytes ||
            (size <= maxEntryBytes && rest.size() < entryHeaderBytes + size)) {
            stop("ends within an entry", true);
            return result;
        }
        JournalEntry entry;
        const std::string_view payload = rest.substr(entryHeaderBytes, std::min(size, maxEntryBytes));
        if (size > maxEntryBytes ||
            numberAt<std::uint64_t>(rest.substr(4)) != sipHash(checksumKey, payload) ||
            !readEntry(payload, entry)) {
            stop("is damaged", size <= maxEntryBytes && rest.size() == entryHeaderBytes + size);
            return result;
        }
        result.entries.push_back(std::move(entry));
        result.goodBytes += entryHeaderBytes + size;
    }
    return result;
}

} // namespace xb::dbd
