// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulated_hypervisor.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/device_list.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/framed_socket.hpp"
#include "xen/xenstore_client.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <unistd.h>

namespace xb::xen {

namespace {

using namespace emulated;
using rapidjson::Document;

// A request that waits for its reply.
struct PendingCall {
    explicit PendingCall(const Executor& executor) : answered(executor) {}
    Event answered;
    std::shared_ptr<Document> reply; ///< none: the connection is lost
    Hypervisor::ProgressHandler progress;
};

struct WatchEntry {
    DomId domid = 0;
    bool shutdownTold = false;
    bool deathTold = false;
    Hypervisor::EventHandler handler;
};

/// The connection: shared with its reader, which may be under way when the Hypervisor goes.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(const Executor& executor, asio::local::stream_protocol::socket socket)
        : executor_(executor), socket_(std::make_shared<FramedSocket>(std::move(socket))) {}

    void start() { spawn(executor_, "control connection to xen-emulator", readAll(shared_from_this())); }
    void close() {
        closing_ = true;
        socket_->close();
    }

    Task<std::shared_ptr<Document>> call(std::string method, std::shared_ptr<Document> request,
                                         Hypervisor::ProgressHandler progress = {}, UniqueFd descriptor = {});

    std::shared_ptr<WatchEntry> addWatch(DomId domid, Hypervisor::EventHandler handler);
    void removeWatch(const std::shared_ptr<WatchEntry>& entry) { std::erase(watches_, entry); }
    static void tell(const std::shared_ptr<WatchEntry>& entry, DomainEvent event);

private:
    static Task<> readAll(std::shared_ptr<Connection> self);
    void handle(std::shared_ptr<Document> message);
    void onEvent(const Json& message);
    void lost();

    Executor executor_;
    std::shared_ptr<FramedSocket> socket_;
    std::map<std::uint64_t, std::shared_ptr<PendingCall>> pending_;
    std::vector<std::shared_ptr<WatchEntry>> watches_;
    std::uint64_t nextId_ = 1;
    bool closing_ = false;
    bool lost_ = false;
};

Task<> Connection::readAll(std::shared_ptr<Connection> self) {
    for (;;) {
        const auto message = co_await self->socket_->receive();
        if (!message)
            break;
        self->handle(std::make_shared<Document>(parseMessage(*message)));
    }
    self->lost();
}

void Connection::lost() {
    lost_ = true;
    if (!closing_)
        log::error("the connection to xen-emulator is lost");
    for (auto& [id, call] : std::exchange(pending_, {}))
        call->answered.set();
}

void Connection::handle(std::shared_ptr<Document> message) {
    if (message->HasMember("event"))
        return onEvent(*message);
    const bool isProgress = message->HasMember("progress");
    const auto found = pending_.find(numberMember(*message, isProgress ? "progress" : "id"));
    if (found == pending_.end())
        return;
    const auto call = found->second;
    if (isProgress) {
        if (call->progress)
            call->progress(numberMember(*message, "step") == 0 ? CreateStep::domainMade
                                                               : CreateStep::devicesMade,
                           domidMember(*message));
        return;
    }
    call->reply = std::move(message);
    pending_.erase(found);
    call->answered.set();
}

Task<std::shared_ptr<Document>> Connection::call(std::string method, std::shared_ptr<Document> request,
                                                 Hypervisor::ProgressHandler progress, UniqueFd descriptor) {
    const auto self = shared_from_this();
    if (lost_)
        throw Error(errors::disconnected, "xen-emulator is gone: " + method + " cannot be done");
    const std::uint64_t id = nextId_++;
    auto& allocator = request->GetAllocator();
    Json message(rapidjson::kObjectType);
    message.AddMember("id", id, allocator);
    message.AddMember("method", jsonString(method, allocator), allocator);
    message.AddMember("params", static_cast<Json&>(*request), allocator);
    const auto pending = std::make_shared<PendingCall>(executor_);
    pending->progress = std::move(progress);
    pending_.emplace(id, pending);
    socket_->send(toText(message), std::move(descriptor));
    co_await pending->answered.wait();
    if (!pending->reply)
        throw Error(errors::disconnected, "xen-emulator went away during " + method);
    const auto error = pending->reply->FindMember("error");
    if (error != pending->reply->MemberEnd())
        throw Error(stringMember(error->value, "name"), stringMember(error->value, "text"));
    if (!pending->reply->HasMember("result"))
        throw Error("xen-emulator's reply to " + method + " has no result");
    co_return pending->reply;
}

std::shared_ptr<WatchEntry> Connection::addWatch(DomId domid, Hypervisor::EventHandler handler) {
    auto entry = std::make_shared<WatchEntry>();
    entry->domid = domid;
    entry->handler = std::move(handler);
    watches_.push_back(entry);
    return entry;
}

// Each kind of event is told once, shutdown never after death.
void Connection::tell(const std::shared_ptr<WatchEntry>& entry, DomainEvent event) {
    bool& told = event.kind == DomainEvent::Kind::death ? entry->deathTold : entry->shutdownTold;
    if (told || entry->deathTold)
        return;
    told = true;
    const auto handler = entry->handler; // it may end its own watch
    handler(event);
}

void Connection::onEvent(const Json& message) {
    DomainEvent event;
    event.kind =
        stringMember(message, "event") == "death" ? DomainEvent::Kind::death : DomainEvent::Kind::shutdown;
    event.reason = static_cast<ShutdownReason>(numberMember(message, "reason"));
    const DomId domid = domidMember(message);
    const auto copy = watches_;
    if (stringMember(message, "event") == "resumed") {
        for (const auto& entry : copy)
            if (entry->domid == domid)
                entry->shutdownTold = false;
        return;
    }
    for (const auto& entry : copy)
        if (entry->domid == domid && std::find(watches_.begin(), watches_.end(), entry) != watches_.end())
            tell(entry, event);
}

class EmulatedWatch final : public DomainWatch {
public:
    EmulatedWatch(std::shared_ptr<Connection> connection, std::shared_ptr<WatchEntry> entry)
        : connection_(std::move(connection)), entry_(std::move(entry)) {}
    EmulatedWatch(const EmulatedWatch&) = delete;
    EmulatedWatch& operator=(const EmulatedWatch&) = delete;
    ~EmulatedWatch() override { connection_->removeWatch(entry_); }

private:
    std::shared_ptr<Connection> connection_;
    std::shared_ptr<WatchEntry> entry_;
};

std::shared_ptr<Document> parameters() {
    auto document = std::make_shared<Document>();
    document->SetObject();
    return document;
}

std::shared_ptr<Document> parameters(DomId domid) {
    auto document = parameters();
    document->AddMember("domid", domid, document->GetAllocator());
    return document;
}

const char* wordOf(ShutdownRequest request) {
    switch (request) {
    case ShutdownRequest::poweroff:
        return "poweroff";
    case ShutdownRequest::reboot:
        return "reboot";
    default:
        return "suspend";
    }
}

class EmulatedHypervisor final : public Hypervisor {
public:
    EmulatedHypervisor(const Executor& executor, const std::string& directory,
                       asio::local::stream_protocol::socket socket)
        : connection_(std::make_shared<Connection>(executor, std::move(socket))),
          store_(executor, xenstoreSocketPath(directory)) {
        connection_->start();
    }
    EmulatedHypervisor(const EmulatedHypervisor&) = delete;
    EmulatedHypervisor& operator=(const EmulatedHypervisor&) = delete;
    ~EmulatedHypervisor() override { connection_->close(); }

    Task<HostInfo> hostInfo() override {
        const auto reply = co_await connection_->call("hostInfo", parameters());
        co_return hostInfoFromJson((*reply)["result"]);
    }

    Task<std::vector<DomainInfo>> domains() override {
        const auto reply = co_await connection_->call("domains", parameters());
        const Json& list = (*reply)["result"];
        if (!list.IsArray())
            throw Error("xen-emulator's list of domains is malformed");
        std::vector<DomainInfo> result;
        for (const auto& each : list.GetArray())
            result.push_back(domainInfoFromJson(each));
        co_return result;
    }

    Task<std::optional<DomainInfo>> domain(DomId domid) override {
        const auto all = co_await domains();
        for (const auto& each : all)
            if (each.domid == domid)
                co_return each;
        co_return std::nullopt;
    }

    Task<std::optional<DomainInfo>> findDomain(std::string uuid) override {
        const auto all = co_await domains();
        for (const auto& each : all)
            if (each.uuid == uuid && !each.dying)
                co_return each;
        co_return std::nullopt;
    }

    Task<DomId> create(DomainConfig config, ProgressHandler progress) override {
        auto request = parameters();
        request->AddMember("config", toJson(config, request->GetAllocator()), request->GetAllocator());
        const auto reply = co_await connection_->call("create", request, std::move(progress));
        co_return static_cast<DomId>(numberMember(*reply, "result"));
    }

    Task<> unpause(DomId domid) override { co_await connection_->call("unpause", parameters(domid)); }
    Task<> pause(DomId domid) override { co_await connection_->call("pause", parameters(domid)); }
    Task<> destroy(DomId domid) override { co_await connection_->call("destroy", parameters(domid)); }
    Task<> powerButton(DomId domid) override { co_await connection_->call("powerButton", parameters(domid)); }

    Task<bool> requestShutdown(DomId domid, ShutdownRequest request, std::chrono::seconds limit) override {
        return this->request(domid, wordOf(request), limit);
    }

    Task<bool> request(DomId domid, const char* word, std::chrono::seconds limit) {
        auto document = parameters(domid);
        document->AddMember("request", rapidjson::StringRef(word), document->GetAllocator());
        document->AddMember("seconds", static_cast<std::uint64_t>(std::max<std::int64_t>(limit.count(), 0)),
                            document->GetAllocator());
        const auto reply = co_await connection_->call("requestShutdown", document);
        co_return (*reply)["result"].IsTrue();
    }

    Task<> forceShutdown(DomId domid, ShutdownReason reason) override {
        auto document = parameters(domid);
        document->AddMember("reason", static_cast<int>(reason), document->GetAllocator());
        co_await connection_->call("forceShutdown", document);
    }

    Task<std::unique_ptr<DomainWatch>> watch(DomId domid, EventHandler handler) override {
        const auto entry = connection_->addWatch(domid, std::move(handler));
        auto result = std::make_unique<EmulatedWatch>(connection_, entry);
        const auto now = co_await domain(domid);
        if (!now || now->dying)
            Connection::tell(entry, DomainEvent{DomainEvent::Kind::death, ShutdownReason::poweroff});
        else if (now->shutdown)
            Connection::tell(entry, DomainEvent{DomainEvent::Kind::shutdown, now->reason});
        co_return result;
    }

    Task<std::string> consoleTty(DomId domid) override {
        const auto tty = co_await store_.read("/local/domain/" + std::to_string(domid) + "/console/tty");
        if (!tty || tty->empty())
            throw Error("domain " + std::to_string(domid) + " has no console");
        co_return *tty;
    }

    Task<int> acpiState(DomId domid) override {
        const auto reply = co_await connection_->call("acpiState", parameters(domid));
        co_return static_cast<int>(numberMember(*reply, "result"));
    }

    Task<std::uint64_t> memoryNeeded(DomainConfig config) override {
        auto request = parameters();
        request->AddMember("config", toJson(config, request->GetAllocator()), request->GetAllocator());
        const auto reply = co_await connection_->call("memoryNeeded", request);
        co_return numberMember(*reply, "result");
    }

    Task<> save(DomId domid, UniqueFd stream, SaveMode) override {
        co_await connection_->call("save", parameters(domid), {}, std::move(stream));
    }

    Task<> resume(DomId domid) override { co_await connection_->call("resume", parameters(domid)); }

    Task<DomId> restore(DomainConfig config, UniqueFd stream, ProgressHandler progress) override {
        if (!stream)
            throw Error(errors::invalidArgs, "restoring needs a stream");
        auto request = parameters();
        request->AddMember("config", toJson(config, request->GetAllocator()), request->GetAllocator());
        const auto reply =
            co_await connection_->call("restore", request, std::move(progress), std::move(stream));
        co_return static_cast<DomId>(numberMember(*reply, "result"));
    }

    Task<std::string> configurationJson(DomId domid) override {
        const auto reply = co_await connection_->call("configuration", parameters(domid));
        co_return toText((*reply)["result"]);
    }

    Task<DomainConfig> parseConfiguration(std::string json) override {
        co_return domainConfigFromJson(parseMessage(json));
    }

    Task<> dumpCore(DomId domid, std::string path) override {
        UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file)
            throw systemError("cannot make the core file " + path, errno);
        std::exception_ptr failure;
        try {
            co_await connection_->call("dumpCore", parameters(domid), {}, std::move(file));
        } catch (...) {
            failure = std::current_exception();
        }
        if (!failure)
            co_return;
        ::unlink(path.c_str());
        std::rethrow_exception(failure);
    }

    Task<bool> requestSleep(DomId domid, SleepState state, std::chrono::seconds limit) override {
        if (state == SleepState::s3)
            co_await requireHvm(domid, "sleep");
        // Left by the last waking: it would end this sleep at once.
        co_await store_.remove("/local/domain/" + std::to_string(domid) + "/wakeup-req");
        co_return co_await request(domid, state == SleepState::s3 ? "s3" : "hibernate", limit);
    }

    Task<> wake(DomId domid) override {
        co_await requireHvm(domid, "be woken");
        co_await store_.write("/local/domain/" + std::to_string(domid) + "/wakeup-req", "1");
    }

    Task<bool> hasPvDriver(DomId domid) override {
        const auto reply = co_await connection_->call("hasPvDriver", parameters(domid));
        co_return (*reply)["result"].IsTrue();
    }

    Task<std::vector<DeviceInfo<DiskConfig>>> disks(DomId domid) override {
        co_await requireDomain(domid);
        co_return co_await listDisks(store_, domid);
    }

    Task<> addDisk(DomId domid, DiskConfig disk) override {
        auto document = parameters(domid);
        document->AddMember("disk", toJson(disk, document->GetAllocator()), document->GetAllocator());
        co_await connection_->call("addDisk", document);
    }

    Task<> removeDisk(DomId domid, std::string vdev, bool force) override {
        auto document = parameters(domid);
        document->AddMember("vdev", jsonString(vdev, document->GetAllocator()), document->GetAllocator());
        document->AddMember("force", force, document->GetAllocator());
        co_await connection_->call("removeDisk", document);
    }

    Task<> changeMedium(DomId domid, std::string vdev, std::string path) override {
        auto document = parameters(domid);
        auto& allocator = document->GetAllocator();
        document->AddMember("vdev", jsonString(vdev, allocator), allocator);
        document->AddMember("path", jsonString(path, allocator), allocator);
        co_await connection_->call("changeMedium", document);
    }

    Task<std::vector<DeviceInfo<NicConfig>>> nics(DomId domid) override {
        co_await requireDomain(domid);
        co_return co_await listNics(store_, domid);
    }

    Task<> addNic(DomId domid, NicConfig nic) override {
        auto document = parameters(domid);
        document->AddMember("nic", toJson(nic, document->GetAllocator()), document->GetAllocator());
        co_await connection_->call("addNic", document);
    }

    Task<> removeNic(DomId domid, int devid, bool force) override {
        auto document = parameters(domid);
        document->AddMember("devid", static_cast<std::uint64_t>(std::max(devid, 0)),
                            document->GetAllocator());
        document->AddMember("force", force, document->GetAllocator());
        co_await connection_->call("removeNic", document);
    }

    // ---- memory, processors and host

    Task<MemoryTarget> memoryTarget(DomId domid) override {
        const auto reply = co_await connection_->call("memoryTarget", parameters(domid));
        co_return memoryTargetFromJson((*reply)["result"]);
    }
    Task<> setMemoryTarget(DomId domid, std::uint64_t kib) override {
        auto document = parameters(domid);
        document->AddMember("kib", kib, document->GetAllocator());
        co_await connection_->call("setMemoryTarget", document);
    }
    Task<> setMaxMemory(DomId domid, std::uint64_t kib) override {
        auto document = parameters(domid);
        document->AddMember("kib", kib, document->GetAllocator());
        co_await connection_->call("setMaxMemory", document);
    }
    Task<std::vector<VcpuInfo>> vcpus(DomId domid) override {
        const auto reply = co_await connection_->call("vcpus", parameters(domid));
        co_return vcpusFromJson((*reply)["result"]);
    }
    Task<> setOnlineVcpus(DomId domid, unsigned count) override {
        auto document = parameters(domid);
        document->AddMember("count", count, document->GetAllocator());
        co_await connection_->call("setOnlineVcpus", document);
    }
    // There are none: a start with PCI devices is refused.
    Task<std::vector<PciConfig>> pciDevices(DomId domid) override {
        const auto info = co_await domain(domid);
        if (!info)
            throw Error("there is no domain " + std::to_string(domid));
        co_return std::vector<PciConfig>();
    }

    Task<> setAffinity(DomId domid, unsigned vcpu, std::optional<std::vector<unsigned>> hard,
                       std::optional<std::vector<unsigned>> soft) override {
        auto document = parameters(domid);
        auto& allocator = document->GetAllocator();
        document->AddMember("vcpu", vcpu, allocator);
        if (hard)
            document->AddMember("hard", toJson(*hard, allocator), allocator);
        if (soft)
            document->AddMember("soft", toJson(*soft, allocator), allocator);
        co_await connection_->call("setAffinity", document);
    }
    Task<SchedulerParameters> schedulerParameters(DomId domid) override {
        const auto reply = co_await connection_->call("schedulerParameters", parameters(domid));
        co_return schedulerFromJson((*reply)["result"]);
    }
    Task<> setSchedulerParameters(DomId domid, SchedulerParameters wanted) override {
        auto document = parameters(domid);
        auto& allocator = document->GetAllocator();
        document->AddMember("scheduler", toJson(wanted, allocator), allocator);
        co_await connection_->call("setSchedulerParameters", document);
    }
    Task<std::string> consoleRing() override {
        const auto reply = co_await connection_->call("consoleRing", parameters());
        co_return stringMember(*reply, "result");
    }
    Task<> sendDebugKeys(std::string keys) override {
        auto document = parameters();
        auto& allocator = document->GetAllocator();
        document->AddMember("keys", jsonString(keys, allocator), allocator);
        co_await connection_->call("sendDebugKeys", document);
    }
    Task<> sendSysrq(DomId domid, char key) override {
        auto document = parameters(domid);
        document->AddMember("key", jsonString(std::string(1, key), document->GetAllocator()),
                            document->GetAllocator());
        co_await connection_->call("sendSysrq", document);
    }

    XenStore& store() override { return store_; }

private:
    Task<> requireDomain(DomId domid) {
        const auto found = co_await domain(domid);
        if (!found)
            throw Error("there is no domain " + std::to_string(domid));
    }

    /// `what`: what the domain cannot do otherwise.
    Task<> requireHvm(DomId domid, const char* what) {
        const auto type = co_await store_.read("/libxl/" + std::to_string(domid) + "/type");
        if (!type)
            throw Error("there is no domain " + std::to_string(domid));
        if (type != "hvm")
            throw Error(errors::notSupported,
                        "domain " + std::to_string(domid) + " cannot " + what + ": only HVM guests sleep");
    }

    std::shared_ptr<Connection> connection_;
    XenStoreClient store_;
};

} // namespace

std::unique_ptr<Hypervisor> openEmulated(const Executor& executor, const std::string& directory) {
    if (directory.empty())
        throw Error(errors::invalidArgs,
                    "the emulated hypervisor needs the emulator's directory (--emulator-directory)");
    const std::string path = controlSocketPath(directory);
    asio::local::stream_protocol::socket socket(executor);
    boost::system::error_code error;
    try {
        const asio::local::stream_protocol::endpoint endpoint(path);
        socket.connect(endpoint, error);
    } catch (const boost::system::system_error& e) {
        error = e.code();
    }
    if (error)
        throw Error("no xen-emulator serves " + directory + " (" + error.message() + "): start it first");
    return std::make_unique<EmulatedHypervisor>(executor, directory, std::move(socket));
}

} // namespace xb::xen
