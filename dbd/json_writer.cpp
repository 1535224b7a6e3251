// SPDX-License-Identifier: Apache-2.0
// From nodes to pretty JSON, appended to a string. Iterative; cannot fail.
#include "dbd/json.hpp"

#include <array>
#include <cstring>

namespace xb::dbd {

namespace {

constexpr std::size_t indentWidth = 2;
constexpr std::size_t blockBytes = std::size_t{16}
                                   << 10; // of text that is written without a look at its length

/// For each byte: 0 = as it is, 'u' = \u00XX, else the letter behind the backslash.
constexpr std::array<char, 256> makeEscapes() {
    std::array<char, 256> table{};
    for (std::size_t c = 0; c < 0x20; ++c)
        table[c] = 'u';
    table['\n'] = 'n';
    table['\t'] = 't';
    table['\r'] = 'r';
    table['\b'] = 'b';
    table['\f'] = 'f';
    table['\\'] = '\\';
    table['"'] = '"';
    table['/'] = '/';
    return table;
}
constexpr std::array<char, 256> escapes = makeEscapes();

/// Appends to a string through a pointer into room made beforehand, so that not every character asks whether
/// there is room.
class Sink {
public:
    /// `ahead`: how much room is made at once.
    Sink(std::string& out, std::size_t ahead) : out_(out), ahead_(ahead), used_(out.size()) {}
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    ~Sink() { out_.resize(used_); }

    void put(char c) {
        *room(1) = c;
        ++used_;
    }
    void put(std::string_view text) {
        if (text.empty())
            return;
        std::memcpy(room(text.size()), text.data(), text.size());
        used_ += text.size();
    }
    void newLine(std::size_t level) {
        const std::size_t width = 1 + level * indentWidth;
        char* const at = room(width);
        *at = '\n';
        std::memset(at + 1, ' ', width - 1);
        used_ += width;
    }
    void string(std::string_view text) {
        put('"');
        for (; text.size() > piece; text.remove_prefix(piece))
            escaped(text.substr(0, piece));
        escaped(text);
        put('"');
    }

private:
    static constexpr std::size_t longestEscape = 6; // \u00XX
    static constexpr std::size_t piece = 4096;      // of a text: so much room that all of it may be escaped

    char* room(std::size_t bytes) {
        if (out_.size() - used_ < bytes)
            out_.resize(used_ + bytes + ahead_);
        return out_.data() + used_;
    }

    void escaped(std::string_view text) {
        static constexpr char digits[] = "0123456789ABCDEF";
        char* const begin = room(text.size() * longestEscape);
        char* at = begin;
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            const char escape = escapes[byte];
            if (escape == 0) {
                *at++ = c;
                continue;
            }
            *at++ = '\\';
            *at++ = escape;
            if (escape == 'u') {
                *at++ = '0';
                *at++ = '0';
                *at++ = digits[byte >> 4];
                *at++ = digits[byte & 0xF];
            }
        }
        used_ += static_cast<std::size_t>(at - begin);
    }

    std::string& out_; // its end beyond used_ is room
    std::size_t ahead_;
    std::size_t used_;
};

/// Appends compact JSON, which this program made itself, as pretty JSON.
void appendPrettyArray(Sink& out, std::string_view compact, std::size_t level) {
    for (std::size_t at = 0; at < compact.size(); ++at) {
        const char c = compact[at];
        if (c == '"') {
            std::size_t end = at + 1;
            while (compact[end] != '"')
                end += compact[end] == '\\' ? 2U : 1U;
            out.put(compact.substr(at, end + 1 - at));
            at = end;
        } else if (c == '[' || c == '{') {
            const char next = compact[at + 1];
            if (next == ']' || next == '}') {
                out.put(c == '[' ? "[]" : "{ }");
                ++at;
                continue;
            }
            out.put(c);
            out.newLine(++level);
        } else if (c == ']' || c == '}') {
            out.newLine(--level);
            out.put(c);
        } else if (c == ',') {
            out.put(c);
            out.newLine(level);
        } else {
            out.put(c);
            if (c == ':')
                out.put(' ');
        }
    }
}

void appendLeaf(Sink& out, const Node& node, std::size_t level) {
    switch (node.kind()) {
    case NodeKind::String:
        out.string(node.text());
        break;
    case NodeKind::Integer:
    case NodeKind::Float:
        out.put(node.text());
        break;
    case NodeKind::True:
        out.put("true");
        break;
    case NodeKind::False:
        out.put("false");
        break;
    case NodeKind::Array:
        appendPrettyArray(out, node.text(), level);
        break;
    case NodeKind::Empty:
    case NodeKind::File:
    case NodeKind::Nodes: // the caller writes those itself
        out.put("null");
        break;
    }
}

const Node* firstKept(const Node* node, const WriteFilter* filter) {
    while (node != nullptr && filter != nullptr && filter->leavesOut(*node))
        node = node->next();
    return node;
}

} // namespace

void appendJsonString(std::string& out, std::string_view text) {
    Sink(out, 0).string(text);
}

void appendPrettyJson(std::string& text, const Node& root, const WriteFilter* filter) {
    Sink out(text, blockBytes);
    std::size_t level = 0;
    const Node* node = &root;
    while (true) {
        if (node != &root) {
            out.newLine(level);
            out.string(node->name());
            out.put(": ");
        }
        const Node* const child = firstKept(node->firstChild(), filter);
        if (child != nullptr) {
            out.put('{');
            ++level;
            node = child;
            continue;
        }
        if (node->isInner())
            out.put("{ }");
        else
            appendLeaf(out, *node, level);
        // On to the next node: a neighbour, or one of an ancestor whose object closes here.
        const Node* following = nullptr;
        while (node != &root && (following = firstKept(node->next(), filter)) == nullptr) {
            out.newLine(--level);
            out.put('}');
            node = node->parent();
        }
        if (node == &root)
            break;
        out.put(',');
        node = following;
    }
    out.put('\n');
}

} // namespace xb::dbd
