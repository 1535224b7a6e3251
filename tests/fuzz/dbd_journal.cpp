// SPDX-License-Identifier: Apache-2.0
// Hostile: a segment of dbd's journal after a crash or on a bad disk. Reading ends at the first entry that is
// not whole; what was read before it is the same after it was written again. The input is taken as a segment,
// and as one entry whose checksum is right, which no mutation would ever hit.
#include "dbd/journal_format.hpp"
#include "dbd/siphash.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <cstdint>

namespace xb::fuzz {

namespace {

using namespace xb::dbd;

/// As journal_format.cpp has it; checkWritten() would find another one.
constexpr SipKey checksumKey{0x78656e62726f6b65, 0x72206a6f75726e61};

template <class Number>
void append(std::string& out, Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
        out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

std::string entryOf(std::string_view payload) {
    std::string entry;
    append(entry, static_cast<std::uint32_t>(payload.size()));
    append(entry, sipHash(checksumKey, payload));
    return entry.append(payload);
}

std::string written(const JournalSegment& segment) {
    std::string bytes = journalHeader();
    for (const JournalEntry& entry : segment.entries) {
        if (const auto* const mark = std::get_if<FileMark>(&entry)) {
            appendMark(bytes, *mark);
            continue;
        }
        const auto& change = std::get<Change>(entry);
        std::vector<StepView> steps;
        for (const Step& step : change.steps)
            steps.push_back(step.view());
        appendChange(bytes, change.sequence, steps);
    }
    return bytes;
}

JournalSegment check(std::string_view bytes) {
    JournalSegment segment = parseSegment(bytes);
    expect(segment.goodBytes <= bytes.size(), "no more is good than there is");
    expect(segment.trouble.empty() == (segment.goodBytes == bytes.size() && !bytes.empty()),
           "trouble is told");
    expect(!segment.torn || !segment.trouble.empty(), "what is torn is trouble");
    const std::string again = written(segment);
    const JournalSegment second = parseSegment(again);
    expect(second.trouble.empty() && second.entries.size() == segment.entries.size(),
           "what was written is read");
    expect(written(second) == again, "what was read is written the same way");
    return segment;
}

// What the journal writes has the checksum that entryOf() makes, so that the second half of run() gets
// somewhere.
void checkWritten() {
    std::string bytes;
    appendChange(bytes, 1, {});
    expect(bytes == entryOf(std::string_view(bytes).substr(12)), "the checksum is known here");
}

void run(std::string_view input) {
    checkWritten();
    check(input);
    check(journalHeader() + std::string(input));
    const std::string entry = entryOf(input);
    const JournalSegment one = check(journalHeader() + entry);
    const JournalSegment two = check(journalHeader() + entry + entry);
    expect(two.entries.size() == 2 * one.entries.size(), "an entry is the same twice");
    const JournalSegment torn =
        check((journalHeader() + entry).substr(0, journalHeader().size() + entry.size() - 1));
    expect(torn.entries.empty() && torn.torn, "an entry that is cut off is no entry");
}

const Target target("dbd_journal", run);

} // namespace

} // namespace xb::fuzz
