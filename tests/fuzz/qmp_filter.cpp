// SPDX-License-Identifier: Apache-2.0
// Hostile: what a stub domain's device model says to the toolstack. What passes is a line, passes a second
// filter unchanged, and does not depend on how it was cut. The first byte chooses the cuts.
#include "toolstack/vchan-socket-proxy/qmp_filter.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>

namespace xb::fuzz {

namespace {

using vchan_proxy::QmpFilter;

std::string passed(std::string_view bytes, std::size_t size) {
    QmpFilter filter{vchan_proxy::QmpRules()};
    std::string result;
    filter.fromToolstack("{\"execute\":\"query-status\",\"id\":1}\n{\"execute\":\"stop\",\"id\":\"x\"}\n",
                         result);
    result.clear();
    try {
        for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size())))
            filter.fromDeviceModel(bytes.substr(0, size), result);
    } catch (const Error& e) {
        expect(e.name() == errors::accessDenied, "one error");
    }
    return result;
}

void run(std::string_view input) {
    if (input.empty())
        return;
    const auto size = static_cast<unsigned char>(input.front()) + std::size_t{1};
    input.remove_prefix(1);
    const std::string once = passed(input, size);
    expect(once.empty() || once.ends_with("\r\n"), "lines pass");
    expect(once == passed(input, input.size() + 1), "cuts do not matter");
    expect(once == passed(once, size), "what passed passes unchanged");
}

const Target target("qmp_filter", run);

} // namespace

} // namespace xb::fuzz
