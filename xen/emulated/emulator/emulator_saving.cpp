// SPDX-License-Identifier: Apache-2.0
// Saving, resuming and restoring emulated domains, and what there is of their cores.
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"
#include "xen/emulated/emulator/emulator.hpp"
#include "xen/emulated/emulator/saved_stream.hpp"
#include "xen/emulated/guest_state.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <cstring>

namespace xb::xen::emulated {

namespace {

/// For the guest to acknowledge that it is to suspend, and then to do so: libxl's limits.
constexpr std::chrono::seconds suspendLimit{60};
/// Transfers that may wait for their other sides at once; further ones wait for them.
constexpr std::size_t transferThreads = 8;

Workers& transferWorkers() {
    static Workers threads(transferThreads);
    return threads;
}

std::string nameOf(const Domain& domain) {
    return fmt::format("domain {} \"{}\"", domain.domid, domain.config.name);
}

template <class T>
void append(std::string& data, const T& value) {
    data.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// One note, which says that there is no memory and what the domain was.
std::string coreFile(const DomainInfo& info) {
    rapidjson::Document document;
    std::string text = "emulated guest: it has no memory that could be dumped\n" +
                       toText(toJson(info, document.GetAllocator()));
    text.resize((text.size() + 3) / 4 * 4, '\n');
    constexpr char owner[12] = "xenbroker"; // padded to a multiple of four

    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_CORE;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_phoff = sizeof header;
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    Elf64_Nhdr note{};
    note.n_namesz = sizeof "xenbroker";
    note.n_descsz = static_cast<Elf64_Word>(text.size());
    note.n_type = 1;
    Elf64_Phdr segment{};
    segment.p_type = PT_NOTE;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_filesz = sizeof note + sizeof owner + text.size();
    segment.p_align = 4;

    std::string data;
    append(data, header);
    append(data, segment);
    append(data, note);
    append(data, owner);
    return data + text;
}

} // namespace

std::shared_ptr<Interrupt> Emulator::newTransfer() {
    if (stopping_)
        throw Error("the emulator is ending");
    auto transfer = std::make_shared<Interrupt>();
    std::erase_if(transfers_, [](const auto& weak) { return weak.expired(); });
    transfers_.push_back(transfer);
    return transfer;
}

void Emulator::endTransfers() {
    for (const auto& weak : transfers_)
        if (const auto transfer = weak.lock())
            transfer->raise();
}

// Its process stays, standing still: resume() lets it go on.
void Emulator::onSuspended(const DomainPtr& domain) {
    if (!domain->running() || stopping_)
        return;
    domain->reason = ShutdownReason::suspend;
    domain->shutdown = true;
    log::info("{} stands suspended", nameOf(*domain));
    domain->writeState('s');
    xenstored_.raiseDomainVirq();
    domain->setStopped();
    onEvent_(domain->domid, DomainEvent{DomainEvent::Kind::shutdown, ShutdownReason::suspend});
}

Task<> Emulator::save(DomId domid, UniqueFd stream) {
    const auto domain = running(domid);
    if (domain->info().paused)
        throw Error(nameOf(*domain) + " cannot be saved: it is paused; unpause it first");
    const auto transfer = newTransfer();
    domain->transfer = transfer;
    const bool acknowledged = co_await requestShutdown(domid, "suspend", suspendLimit);
    if (!acknowledged)
        throw Error(nameOf(*domain) + " cannot be saved: its guest does not answer the request to suspend");
    const bool stopped = co_await domain->stopped.waitFor(suspendLimit);
    if (domain->dying)
        throw Error(nameOf(*domain) + " was destroyed while it was saved");
    if (!stopped || domain->reason != ShutdownReason::suspend || domain->savedState.empty())
        throw Error(nameOf(*domain) + " cannot be saved: it " +
                    (stopped ? std::string("stopped (") + toString(domain->reason) + ")"
                             : std::string("did not suspend")));
    if (faults_.take(Faults::slowSave)) {
        const auto ended = std::make_shared<Event>(executor_);
        domain->alsoWhenStopped(ended);
        co_await ended->waitFor(faults_.time(Faults::slowSave));
    }
    const auto shared = std::make_shared<UniqueFd>(std::move(stream));
    auto write = [shared, transfer, state = domain->savedState] {
        writeSavedStream(shared->get(), state, *transfer);
        shared->reset();
    };
    std::exception_ptr failure;
    try {
        co_await transferWorkers().run(std::move(write));
    } catch (...) {
        failure = std::current_exception();
    }
    if (domain->dying)
        throw Error(nameOf(*domain) + " was destroyed while it was saved");
    if (!failure)
        co_return;
    co_await resume(domid); // it is not to stand still for a copy that nobody has
    std::rethrow_exception(failure);
}

Task<> Emulator::resume(DomId domid) {
    const auto domain = existing(domid);
    if (!domain->shutdown || domain->dying || domain->savedState.empty() || !domain->hasProcess())
        throw Error(nameOf(*domain) + " cannot be resumed: it is not suspended");
    domain->resumeGuest();
    log::info("{} goes on", nameOf(*domain));
    onResume_(domid);
    co_return;
}

Task<DomId> Emulator::restore(DomainConfig config, UniqueFd stream, Hypervisor::ProgressHandler progress) {
    const auto transfer = newTransfer();
    const auto shared = std::make_shared<UniqueFd>(std::move(stream));
    auto read = [shared, transfer] { return readSavedStream(shared->get(), *transfer); };
    std::string state = co_await transferWorkers().run(std::move(read));
    const auto type = parseGuestState(state).type;
    if (type != typeName(config.type))
        throw Error(errors::invalidArgs,
                    fmt::format("domain \"{}\" cannot be restored: the stream is of a {} "
                                "guest, the configuration of a {} one",
                                config.name, type, typeName(config.type)));
    co_return co_await create(std::move(config), std::move(progress), std::move(state));
}

Task<> Emulator::dumpCore(DomId domid, UniqueFd file) {
    const auto domain = existing(domid);
    const auto shared = std::make_shared<UniqueFd>(std::move(file));
    auto write = [shared, core = coreFile(domain->info()), name = nameOf(*domain)] {
        writeAll(shared->get(), core, "the core of " + name);
    };
    co_await transferWorkers().run(std::move(write));
}

bool Emulator::hasPvDriver(DomId domid) const {
    const auto domain = existing(domid);
    return domain->config.type != DomainType::hvm || domain->pvDriver;
}

} // namespace xb::xen::emulated
