// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/control_server.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <sys/stat.h>

namespace xb::xen::emulated {

namespace {

using rapidjson::Document;

} // namespace

ControlServer::ControlServer(const Executor& executor, Emulator& emulator)
    : executor_(executor), emulator_(emulator), acceptor_(executor) {
    emulator_.setEventHandler([this](DomId domid, DomainEvent event) {
        broadcast(domid, event.kind == DomainEvent::Kind::death ? "death" : "shutdown", event.reason);
    });
    emulator_.setResumeHandler([this](DomId domid) { broadcast(domid, "resumed", ShutdownReason::suspend); });
}

void ControlServer::start() {
    const std::string path = controlSocketPath(emulator_.options().directory);
    try {
        acceptor_.open();
        acceptor_.bind(asio::local::stream_protocol::endpoint(path));
        ::chmod(path.c_str(), 0600);
        acceptor_.listen();
    } catch (const boost::system::system_error& e) {
        throw Error("cannot listen on " + path + ": " + e.code().message());
    }
    spawn(executor_, "control socket", accept());
}

void ControlServer::close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (const auto& client : clients_)
        client->socket->close();
}

Task<> ControlServer::accept() {
    while (acceptor_.is_open()) {
        asio::local::stream_protocol::socket socket(executor_);
        boost::system::error_code error;
        co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted || !acceptor_.is_open())
            co_return;
        if (error) {
            log::error("control socket: {}", error.message());
            co_await delay(std::chrono::milliseconds(100)); // out of descriptors, most likely: clients may go
            continue;
        }
        if (clients_.size() >= emulator_.options().maxClients) {
            log::warn("control socket: there are {} clients already (--max-clients)", clients_.size());
            continue;
        }
        const auto client = std::make_shared<Client>();
        client->socket = std::make_shared<FramedSocket>(std::move(socket));
        clients_.insert(client);
        spawn(executor_, "control client", serveClient(client));
    }
}

Task<> ControlServer::serveClient(ClientPtr client) {
    for (;;) {
        auto message = co_await client->socket->receive();
        if (!message)
            break;
        if (client->requests >= maxRequestsPerClient) {
            log::error("control socket: a client with {} requests under way is dropped", client->requests);
            break;
        }
        ++client->requests;
        spawn(executor_, "control request",
              serveRequest(client, std::move(*message), client->socket->takeDescriptor()));
    }
    client->socket->close();
    clients_.erase(client);
}

Task<> ControlServer::serveRequest(ClientPtr client, std::string text, UniqueFd descriptor) {
    Document reply(rapidjson::kObjectType);
    auto& allocator = reply.GetAllocator();
    std::string name;
    std::string reason;
    try {
        Document request = parseMessage(text);
        const std::uint64_t id = numberMember(request, "id");
        reply.AddMember("id", id, allocator);
        co_await answer(client, id, request, reply, std::move(descriptor));
    } catch (const Error& e) {
        name = e.name();
        reason = e.what();
    } catch (const std::exception& e) {
        name = errors::failed;
        reason = e.what();
    }
    if (!name.empty()) {
        Json error(rapidjson::kObjectType);
        error.AddMember("name", jsonString(name, allocator), allocator);
        error.AddMember("text", jsonString(reason, allocator), allocator);
        reply.AddMember("error", error, allocator);
    }
    --client->requests;
    client->socket->send(toText(reply));
}

Task<> ControlServer::answer(ClientPtr client, std::uint64_t id, Document& request, Document& reply,
                             UniqueFd descriptor) {
    const auto params = request.FindMember("params");
    if (params == request.MemberEnd() || !params->value.IsObject())
        throw Error(errors::invalidArgs, "control request without params");
    auto& allocator = reply.GetAllocator();
    if (descriptor) {
        auto streamed = co_await handleStream(client, id, stringMember(request, "method"), params->value,
                                              std::move(descriptor));
        if (!streamed)
            throw Error(errors::invalidArgs, "this control request takes no descriptor");
        reply.AddMember("result", *streamed, allocator);
        co_return;
    }
    Json result =
        co_await handle(std::move(client), id, stringMember(request, "method"), params->value, allocator);
    reply.AddMember("result", result, allocator);
}

Hypervisor::ProgressHandler ControlServer::progressOf(ClientPtr client, std::uint64_t id) {
    return [client, id](CreateStep step, DomId domid) {
        Document message(rapidjson::kObjectType);
        message.AddMember("progress", id, message.GetAllocator());
        message.AddMember("step", static_cast<int>(step), message.GetAllocator());
        message.AddMember("domid", domid, message.GetAllocator());
        client->socket->send(toText(message));
    };
}

Task<std::optional<Json>> ControlServer::handleStream(ClientPtr client, std::uint64_t id, std::string method,
                                                      const Json& params, UniqueFd descriptor) {
    if (method == "save") {
        co_await emulator_.save(domidMember(params), std::move(descriptor));
        co_return Json(rapidjson::kNullType);
    }
    if (method == "dumpCore") {
        co_await emulator_.dumpCore(domidMember(params), std::move(descriptor));
        co_return Json(rapidjson::kNullType);
    }
    if (method == "restore") {
        if (!params.HasMember("config"))
            throw Error(errors::invalidArgs, "restore without config");
        const DomId domid = co_await emulator_.restore(domainConfigFromJson(params["config"]),
                                                       std::move(descriptor), progressOf(client, id));
        co_return Json(domid);
    }
    co_return std::nullopt;
}

Task<Json> ControlServer::handle(ClientPtr client, std::uint64_t id, std::string method, const Json& params,
                                 Allocator& allocator) {
    if (method == "hostInfo")
        co_return toJson(emulator_.hostInfo(), allocator);
    if (method == "domains") {
        Json list(rapidjson::kArrayType);
        for (const auto& each : emulator_.domains())
            list.PushBack(toJson(each, allocator), allocator);
        co_return list;
    }
    if (method == "create") {
        if (!params.HasMember("config"))
            throw Error(errors::invalidArgs, "create without config");
        const DomId domid =
            co_await emulator_.create(domainConfigFromJson(params["config"]), progressOf(client, id));
        co_return Json(domid);
    }
    if (method == "memoryNeeded") {
        if (!params.HasMember("config"))
            throw Error(errors::invalidArgs, "memoryNeeded without config");
        const auto config = domainConfigFromJson(params["config"]);
        co_return Json(memoryNeededKib(config) + stubMemoryNeededKib(config));
    }
    if (method == "inject")
        co_return inject(params);
    auto resources = co_await handleResources(method, params, allocator);
    if (resources)
        co_return std::move(*resources);
    const DomId domid = domidMember(params);
    if (method == "unpause") {
        co_await emulator_.unpause(domid);
    } else if (method == "pause") {
        co_await emulator_.pause(domid);
    } else if (method == "destroy") {
        co_await emulator_.destroy(domid);
    } else if (method == "powerButton") {
        emulator_.powerButton(domid);
    } else if (method == "resume") {
        co_await emulator_.resume(domid);
    } else if (method == "configuration") {
        co_return toJson(emulator_.configuration(domid), allocator);
    } else if (method == "hasPvDriver") {
        co_return Json(emulator_.hasPvDriver(domid));
    } else if (method == "acpiState") {
        co_return Json(emulator_.acpiState(domid));
    } else if (method == "requestShutdown") {
        const std::chrono::seconds limit(std::min<std::uint64_t>(numberMember(params, "seconds"), 24 * 3600));
        const bool done = co_await emulator_.requestShutdown(domid, stringMember(params, "request"), limit);
        co_return Json(done);
    } else if (method == "forceShutdown") {
        const auto reason = numberMember(params, "reason");
        if (reason > static_cast<std::uint64_t>(ShutdownReason::softReset))
            throw Error(errors::invalidArgs, "forceShutdown: no such reason");
        co_await emulator_.forceShutdown(domid, static_cast<ShutdownReason>(reason));
    } else if (co_await handleDevice(method, domid, params)) {
    } else {
        throw Error(errors::unknownMethod, "the emulator knows no \"" + method + "\"");
    }
    co_return Json(rapidjson::kNullType);
}

// False: it is none of these.
Task<bool> ControlServer::handleDevice(std::string method, DomId domid, const Json& params) {
    if (method == "addDisk")
        co_await emulator_.addDisk(domid, diskMember(params));
    else if (method == "removeDisk")
        co_await emulator_.removeDisk(domid, stringMember(params, "vdev"), flagMember(params, "force"));
    else if (method == "changeMedium")
        co_await emulator_.changeMedium(domid, stringMember(params, "vdev"), stringMember(params, "path"));
    else if (method == "addNic")
        co_await emulator_.addNic(domid, nicMember(params));
    else if (method == "removeNic")
        co_await emulator_.removeNic(domid, static_cast<std::uint32_t>(numberMember(params, "devid")),
                                     flagMember(params, "force"));
    else
        co_return false;
    co_return true;
}

Json ControlServer::inject(const Json& params) {
    const std::string fault = stringMember(params, "fault");
    if (!Faults::known(fault))
        throw Error(errors::invalidArgs, "no fault \"" + fault + "\" can be injected");
    const auto milliseconds = std::min<std::uint64_t>(numberMember(params, "milliseconds"), 3600 * 1000);
    emulator_.faults().inject(fault, numberMember(params, "times"), std::chrono::milliseconds(milliseconds));
    log::info("fault {} is injected", fault);
    return Json(rapidjson::kNullType);
}

void ControlServer::broadcast(DomId domid, const char* event, ShutdownReason reason) {
    Document message(rapidjson::kObjectType);
    auto& allocator = message.GetAllocator();
    message.AddMember("event", rapidjson::StringRef(event), allocator);
    message.AddMember("domid", domid, allocator);
    message.AddMember("reason", static_cast<int>(reason), allocator);
    const std::string text = toText(message);
    for (const auto& client : clients_)
        client->socket->send(text);
}

} // namespace xb::xen::emulated
