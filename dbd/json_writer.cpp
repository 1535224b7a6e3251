// SPDX-License-Identifier: Apache-2.0
// From nodes to pretty JSON, appended to a string. Iterative; cannot fail.
#include "dbd/json.hpp"

#include <array>

namespace xb::dbd {

namespace {

constexpr std::size_t indentWidth = 2;

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

void newLine(std::string& out, std::size_t level) {
    out += '\n';
    out.append(level * indentWidth, ' ');
}

/// Appends compact JSON, which this program made itself, as pretty JSON.
void appendPrettyArray(std::string& out, std::string_view compact, std::size_t level) {
    for (std::size_t at = 0; at < compact.size(); ++at) {
        const char c = compact[at];
        if (c == '"') {
            std::size_t end = at + 1;
            while (compact[end] != '"')
                end += compact[end] == '\\' ? 2U : 1U;
            out += compact.substr(at, end + 1 - at);
            at = end;
        } else if (c == '[' || c == '{') {
            const char next = compact[at + 1];
            if (next == ']' || next == '}') {
                out += c == '[' ? "[]" : "{ }";
                ++at;
                continue;
            }
            out += c;
            newLine(out, ++level);
        } else if (c == ']' || c == '}') {
            newLine(out, --level);
            out += c;
        } else if (c == ',') {
            out += c;
            newLine(out, level);
        } else {
            out += c;
            if (c == ':')
                out += ' ';
        }
    }
}

void appendLeaf(std::string& out, const Node& node, std::size_t level) {
    switch (node.kind()) {
    case NodeKind::String:
        appendJsonString(out, node.text());
        break;
    case NodeKind::Integer:
    case NodeKind::Float:
        out += node.text();
        break;
    case NodeKind::True:
        out += "true";
        break;
    case NodeKind::False:
        out += "false";
        break;
    case NodeKind::Array:
        appendPrettyArray(out, node.text(), level);
        break;
    case NodeKind::Empty:
    case NodeKind::File:
    case NodeKind::Nodes: // the caller writes those itself
        out += "null";
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
    static constexpr char digits[] = "0123456789ABCDEF";
    out += '"';
    std::size_t from = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const char escape = escapes[byte];
        if (escape == 0)
            continue;
        out.append(text, from, at - from);
        from = at + 1;
        out += '\\';
        out += escape;
        if (escape == 'u') {
            out += "00";
            out += digits[byte >> 4];
            out += digits[byte & 0xF];
        }
    }
    out.append(text, from);
    out += '"';
}

void appendPrettyJson(std::string& out, const Node& root, const WriteFilter* filter) {
    std::size_t level = 0;
    const Node* node = &root;
    while (true) {
        if (node != &root) {
            newLine(out, level);
            appendJsonString(out, node->name());
            out += ": ";
        }
        const Node* const child = firstKept(node->firstChild(), filter);
        if (child != nullptr) {
            out += '{';
            ++level;
            node = child;
            continue;
        }
        if (node->isInner())
            out += "{ }";
        else
            appendLeaf(out, *node, level);
        // On to the next node: a neighbour, or one of an ancestor whose object closes here.
        const Node* following = nullptr;
        while (node != &root && (following = firstKept(node->next(), filter)) == nullptr) {
            newLine(out, --level);
            out += '}';
            node = node->parent();
        }
        if (node == &root)
            break;
        out += ',';
        node = following;
    }
    out += '\n';
}

} // namespace xb::dbd
