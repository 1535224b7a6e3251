// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/uuid.hpp"

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <algorithm>
#include <cctype>

namespace xb {

std::string randomUuid() {
    return boost::uuids::to_string(boost::uuids::random_generator()());
}

bool isUuid(std::string_view text) {
    if (text.size() != 36)
        return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i])))
            return false;
    }
    return true;
}

std::string uuidToPathElement(std::string_view uuid) {
    std::string element(uuid);
    std::ranges::replace(element, '-', '_');
    return element;
}

std::string uuidFromPathElement(std::string_view element) {
    std::string uuid(element);
    std::ranges::replace(uuid, '_', '-');
    return uuid;
}

} // namespace xb
