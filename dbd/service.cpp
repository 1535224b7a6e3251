// SPDX-License-Identifier: Apache-2.0
#include "dbd/service.hpp"

#include "dbd/db_object.hpp"
#include "dbd/extension_object.hpp"

namespace xb::dbd {

namespace {

// All that a guest is to reach is on the object /, where each method looks at who calls.
Task<> refuseGuests(Database& database, Caller caller) {
    const View view = co_await database.viewOf(std::move(caller));
    if (!view.isWhole())
        throw Error(errors::accessDenied,
                    "this object is for dom0, not for guest domain " + std::to_string(view.domid()));
}

} // namespace

Service::Service(Bus& bus, FileSystem& fs, Store& store, Saver& saver, const CallerOptions& options)
    : domains_(bus.loop().executor(), options.hypervisor),
      database_(bus, store, saver, options.proxyUser,
                [this](std::uint32_t domid) { return domains_.find(domid); }) {
    bus.objects().add("/", std::make_shared<DbObject>(database_, fs));
    bus.objects().add("/", std::make_shared<DbExtensionObject>(database_));
    bus.objects().setGuard(
        [this](const Message& call) { return refuseGuests(database_, Caller{call.sender()}); }, "/");
}

} // namespace xb::dbd
