// SPDX-License-Identifier: Apache-2.0
#include "fake_xenmgr.hpp"

#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/uuid.hpp"

#include <future>
#include <thread>

namespace xb::test {

namespace {

constexpr auto service = "com.citrix.xenclient.xenmgr";

class Vm : public Interface {
public:
    Vm(std::string kind, bool value) : type(std::move(kind)), flag(value) {}

    const InterfaceInfo& info() const override {
        static constexpr PropertyInfo properties[] = {{"flag", "b", true, false}, {"type", "s", true, false}};
        static constexpr std::uint16_t byName[] = {0, 1};
        static constexpr InterfaceInfo info{
            "com.citrix.xenclient.xenmgr.vm.unrestricted", {}, properties, "", byName};
        return info;
    }
    Task<> readProperty(std::size_t index, Caller, PropertySink& sink) override {
        if (index == 0)
            sink.put(flag);
        else
            sink.put(type);
        co_return;
    }
    Task<> writeProperty(std::size_t, Caller, PropertyValue) override {
        throw Error(errors::propertyReadOnly, "read-only");
    }

    std::string type;
    bool flag;
};

} // namespace

class FakeXenmgr::Running {
public:
    Running(const std::string& address, const std::string& uuid, const std::string& type, bool flag)
        : uuid_(uuid), vm_(std::make_shared<Vm>(type, flag)) {
        std::promise<void> ready;
        thread_ = std::thread([this, address, &ready] {
            Bus bus(loop_, address);
            bus_ = &bus;
            bus.objects().add("/vm/" + uuidToPathElement(uuid_), vm_);
            bus.requestName(service);
            ready.set_value();
            loop_.run();
        });
        ready.get_future().wait();
    }
    ~Running() {
        asio::post(loop_.context(), [this] { loop_.stop(); });
        thread_.join();
    }

    void change(const std::string& type, bool flag) {
        asio::post(loop_.context(), [this, type, flag] {
            vm_->type = type;
            vm_->flag = flag;
            Message signal = bus_->newSignal("/", service, "vm_config_changed");
            signal << uuid_ << ObjectPath("/vm/" + uuidToPathElement(uuid_));
            bus_->send(std::move(signal));
        });
    }

private:
    std::string uuid_;
    std::shared_ptr<Vm> vm_;
    Loop loop_;
    Bus* bus_ = nullptr;
    std::thread thread_;
};

FakeXenmgr::FakeXenmgr(const std::string& address, const std::string& uuid, const std::string& type,
                       bool flag)
    : running_(std::make_unique<Running>(address, uuid, type, flag)) {}

FakeXenmgr::~FakeXenmgr() = default;

void FakeXenmgr::change(const std::string& type, bool flag) {
    running_->change(type, flag);
}

} // namespace xb::test
