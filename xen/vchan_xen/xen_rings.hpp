// SPDX-License-Identifier: Apache-2.0
// Rings of libxenvchan (Xen 4.17): pages that one domain grants to another one, an event channel, and the
// nodes in xenstore that tell the numbers of both. What the library does with xenstore and with devices
// blocks, so rings are made and closed on a worker thread, in the order in which that was asked for.
//
// What must be known about the library: it works with paths of at most maxRingPath letters; it leaves
// `blocking` and `xs_path` of a new ring as malloc() gave them, so that a server_init() which fails half-way
// may crash (we look first whether there are grants and event channels left); it locks nothing between two
// clients, but Xen binds an event channel only once, so that the second one fails.
#pragma once

#include "xen/vchan/ring.hpp"
#include "xen/xenstore_client.hpp"

#include <filesystem>

namespace xb::xen::vchan {

std::shared_ptr<Rings> makeXenRings(const Executor& executor, std::shared_ptr<XenStoreClient> store);

/// Why this cannot be the control domain that offers rings, or a domain that opens them; empty when it can.
/// `root` is "/" but in tests.
std::string whyNoListener(const std::filesystem::path& root);
/// The same of any domain that offers rings below its own tree.
std::string whyNoServer(const std::filesystem::path& root);
std::string whyNoConnector(const std::filesystem::path& root);

} // namespace xb::xen::vchan
