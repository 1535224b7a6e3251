// SPDX-License-Identifier: Apache-2.0
// Browsers through rpc-proxy: what the user interface does at its start, and what broken or hostile pages do.
#include "fixture.hpp"
#include "websocket_client.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace xb::test {
namespace {

using namespace std::string_literals;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto xenmgr = "com.citrix.xenclient.xenmgr";
constexpr auto accepted = "HTTP/1.1 101 Switching Protocols";

/// As much of xenmgr as a browser's start asks for, with the types that matter.
class Xenmgr : public Interface {
public:
    const InterfaceInfo& info() const override {
        static constexpr MethodInfo methods[] = {{"list_nics", "", "ao", &Xenmgr::listNics},
                                                 {"list_vms", "", "ao", &Xenmgr::listVms},
                                                 {"typed", "ya(si)as", "s", &Xenmgr::typed}};
        static constexpr PropertyInfo properties[] = {{"hidden-in-ui", "b", true, false},
                                                      {"slot", "i", true, false}};
        static constexpr std::uint16_t byName[] = {0, 1};
        static constexpr auto xml = R"xml(<interface name="com.citrix.xenclient.xenmgr">
            <method name="typed"><arg type="y" direction="in"/><arg type="a(si)" direction="in"/>
            <arg type="as" direction="in"/><arg type="s" direction="out"/></method>
            <method name="list_vms"><arg type="ao" direction="out"/></method></interface>)xml";
        static constexpr InterfaceInfo info{xenmgr, methods, properties, xml, byName};
        return info;
    }
    Task<> readProperty(std::size_t index, Caller, PropertySink& sink) override {
        if (index == 0)
            sink.put(false);
        else
            sink.put(std::int32_t{3});
        co_return;
    }
    Task<> writeProperty(std::size_t, Caller, PropertyValue) override {
        throw Error(errors::propertyReadOnly, "101:read-only");
    }

private:
    static Task<> listVms(std::shared_ptr<Interface>, std::shared_ptr<IncomingCall> call) {
        call->reply(std::vector<ObjectPath>{ObjectPath("/vm/one")});
        co_return;
    }
    static Task<> listNics(std::shared_ptr<Interface>, std::shared_ptr<IncomingCall> call) {
        call->reply(std::vector<ObjectPath>{});
        co_return;
    }
    static Task<> typed(std::shared_ptr<Interface>, std::shared_ptr<IncomingCall> call) {
        using Pairs = std::vector<Struct<std::string, std::int32_t>>;
        const auto [byte, pairs, texts] = call->arguments<std::uint8_t, Pairs, std::vector<std::string>>();
        call->reply(fmt::format("{} {} {}", byte, pairs.size(), texts.size()));
        co_return;
    }
};

class ProxyBrowser : public ProxyFixture {
protected:
    ProxyBrowser() : object(std::make_shared<Xenmgr>()) {
        dom0->objects().add("/host", object);
        dom0->requestName(xenmgr);
    }

    void start(const std::string& rules = "allow all\n", std::vector<std::string> options = {}) {
        options.insert(options.begin(), {"--json-in", "--websockets-in", "--auto-auth"});
        startProxy(rules, options);
    }
    std::unique_ptr<WebSocketClient> tab() {
        auto client = std::make_unique<WebSocketClient>(loop, socket());
        EXPECT_THAT(client->hello(), HasSubstr(R"("type":"response","response-to":"1","args":[":)"));
        return client;
    }
    static std::string to(std::string_view member, std::string_view args,
                          std::string_view interface = xenmgr) {
        return fmt::format(R"("destination":"{}","method":"{}","path":"/host","interface":"{}","args":[{}])",
                           xenmgr, member, interface, args);
    }
    static std::string echo(std::string_view text) {
        return fmt::format(
            R"("destination":"{0}","method":"echo","path":"/","interface":"{0}","args":["{1}"])", serviceName,
            text);
    }
    static std::string ping() {
        return R"("destination":"org.freedesktop.DBus","method":"Ping","path":"/",)"
               R"("interface":"org.freedesktop.DBus.Peer","args":[])";
    }

    static constexpr auto properties = "org.freedesktop.DBus.Properties";
    std::shared_ptr<Xenmgr> object;
};

TEST_F(ProxyBrowser, TheStartOfTheUserInterface) {
    start();
    const auto browser = tab();
    EXPECT_THAT(browser->call(2, R"("destination":"org.freedesktop.DBus","method":"AddMatch","path":"/",)"
                                 R"("interface":"org.freedesktop.DBus","args":)"
                                 R"(["type='signal',interface='com.citrix.xenclient.xenmgr'"])"),
                HasSubstr(R"("type":"response","response-to":"2","args":[]})"));
    EXPECT_THAT(browser->call(3, to("list_vms", "")),
                HasSubstr(R"("type":"response","response-to":"3","args":[["/vm/one"]]})"));
    EXPECT_THAT(browser->call(4, to("Get", R"("com.citrix.xenclient.xenmgr","slot")", properties)),
                HasSubstr(R"("response-to":"4","args":[3]})"));
    EXPECT_THAT(browser->call(5, to("GetAll", R"("com.citrix.xenclient.xenmgr")", properties)),
                HasSubstr(R"("args":[{"hidden-in-ui":false,"slot":3}]})"));
    EXPECT_THAT(browser->call(6, to("list_nics", "")), HasSubstr(R"("response-to":"6","args":[[]]})"));
    EXPECT_THAT(browser->call(7, to("get_domstore_key", R"("a")")),
                HasSubstr(R"("type":"error","response-to":"7","name":"org.freedesktop.DBus.Error.)"));
    Message sent = dom0->newSignal("/host", xenmgr, "vm_state_changed");
    sent << std::string("u") << ObjectPath("/vm/u") << std::int32_t{3};
    dom0->send(std::move(sent));
    std::string signal;
    while (signal.find("vm_state_changed") == std::string::npos)
        signal = browser->text();
    EXPECT_THAT(signal, HasSubstr(R"("type":"signal","interface":"com.citrix.xenclient.xenmgr",)"
                                  R"("member":"vm_state_changed","path":"/host","args":["u","/vm/u",3]})"));
    EXPECT_THAT(signal, Not(HasSubstr("sender")));
}

TEST_F(ProxyBrowser, TypesAreThoseOfTheMethod) {
    start();
    const auto browser = tab();
    EXPECT_THAT(browser->call(2, to("typed", R"(7,[["a",-1],["b",2]],[])")),
                HasSubstr(R"("args":["7 2 0"])"));
    EXPECT_THAT(browser->call(3, to("typed", R"(256,[],[])")), HasSubstr("Error.InvalidArgs"));
    EXPECT_THAT(browser->call(4, to("typed", "7,[]")), HasSubstr("Error.InvalidArgs")) << "one is missing";
    EXPECT_THAT(browser->call(5, to("typed", "7,[],[],1")), HasSubstr("Error.InvalidArgs"));
    EXPECT_THAT(browser->call(6, to("Set", R"("com.citrix.xenclient.xenmgr","slot",4)", properties)),
                HasSubstr(R"("type":"error")"));
}

TEST_F(ProxyBrowser, TheRulesAreThoseOfOtherClients) {
    start(std::string(basics) + "allow inc-method-call member echo\n"
                                "deny dom-id 7 member echo interface com.example\n");
    const auto browser = tab();
    const std::string denied = browser->call(2, to("list_vms", ""));
    EXPECT_THAT(denied, HasSubstr(R"("type":"error","response-to":"2",)"
                                  R"("name":"org.freedesktop.DBus.Error.AccessDenied","args":[")"));
    EXPECT_THAT(browser->call(3, echo("hi")), HasSubstr(R"("response-to":"3","args":["hi"]})")) << "its twin";
    EXPECT_THAT(browser->call(4,
                              R"("destination":"org.freedesktop.DBus","method":"BecomeMonitor","path":"/",)"
                              R"("interface":"org.freedesktop.DBus.Monitoring","args":[[],0])"),
                HasSubstr("Error.AccessDenied"));
    EXPECT_THAT(browser->call(5, R"("destination":"org.freedesktop.DBus","method":"AddMatch","path":"/",)"
                                 R"("interface":"org.freedesktop.DBus","args":["eavesdrop='true'"])"),
                HasSubstr("Error.AccessDenied"));
    EXPECT_TRUE(proxySays("incoming call com.citrix.xenclient.xenmgr.list_vms"));
}

// The proxy asks with rights of its own: what the client may not call it may not have asked, either.
TEST_F(ProxyBrowser, ObjectsAreAskedOnlyForCallsThatPass) {
    start(std::string(basics) + "allow inc-method-call member typed\n");
    const auto browser = tab();
    // A value that does not fit is noticed only by who knows the types.
    EXPECT_THAT(browser->call(2, to("typed", "256,[],[]")), HasSubstr("Error.InvalidArgs"));
    proxy.reset();
    start(basics);
    const auto other = tab();
    EXPECT_THAT(other->call(2, to("typed", "256,[],[]")), HasSubstr("Error.AccessDenied"));
}

TEST_F(ProxyBrowser, WhatIsNoMessageIsAnswered) {
    start();
    const auto browser = tab();
    const auto answerTo = [&](std::string_view text) {
        browser->sendText(text);
        std::string answer;
        while (answer.find(R"("type":"error")") == std::string::npos)
            answer = browser->text();
        return answer;
    };
    const auto invalid = [](std::string_view id) {
        return HasSubstr(fmt::format(
            R"("response-to":"{}","name":"org.freedesktop.DBus.Error.InvalidArgs","args":[")", id));
    };
    for (const char* const text : {"", "{", "[]", "null", "{}", "no", R"({"id":"7"})", R"({"id":-1})",
                                   R"({"id":0})", R"({"id":4294967296})", R"({"id":1.5})"})
        EXPECT_THAT(answerTo(text), invalid("0")) << text;
    for (
        const char* const text :
        {R"({"id":7})", R"({"id":7,"type":"request"})", R"({"id":7,"type":1})", R"({"id":7,"type":"x"})",
         R"({"id":7,"destination":"a.b","method":"m","path":"/","args":[]})",
         R"({"id":7,"destination":"a.b","method":"m","path":"no","interface":"a.b","args":[]})",
         R"({"id":7,"destination":"..","method":"m","path":"/","interface":"a.b","args":[]})",
         R"({"id":7,"destination":"a.b","method":"m.n","path":"/","interface":"a.b","args":[]})",
         R"({"id":7,"destination":"a.b","method":"m","path":"/","interface":"a","args":[]})",
         R"({"id":7,"destination":"a.b","method":"m","path":"/","interface":"a.b","args":{}})",
         R"({"id":7,"destination":"a.b","method":"m","path":"/","interface":"a.b"})",
         R"({"id":7,"destination":"a.b","method":"m","path":"/","interface":"a.b","args":[null]})",
         R"({"id":7,"destination":"a.b","method":"m","path":"/","interface":"a.b","args":["\u0000"]})",
         R"({"id":7,"destination":"a.b","method":"m","path":"/","interface":"a.b","args":["\ud800"]})",
         R"({"id":7,"dbus-signature":"z","destination":"a.b","method":"m","path":"/","interface":"a.b","args":[1]})",
         R"({"id":7,"dbus-signature":"y","destination":"a.b","method":"m","path":"/","interface":"a.b","args":[256]})",
         R"({"id":7,"destination":"a.b","method":"m",)"})
        EXPECT_THAT(answerTo(text), testing::AnyOf(invalid("7"), invalid("0"))) << text;
    EXPECT_THAT(answerTo(std::string(100000, '[')), HasSubstr("InvalidArgs"));
    EXPECT_THAT(answerTo("{\"id\":7," + echo("one") + "}\0{\"id\":9}"s), HasSubstr("NUL at byte"));
    EXPECT_THAT(browser->call(8, echo("still here")), HasSubstr("still here"));
}

TEST_F(ProxyBrowser, WhoBreaksTheProtocolIsToldTheCode) {
    start("allow all\n", {"--max-text-bytes", "2048"});
    const auto codeFor = [&](std::string_view bytes) {
        const auto browser = tab();
        browser->send(bytes);
        return browser->closeCode();
    };
    EXPECT_EQ(codeFor(WebSocketClient::frame(2, "binary")), 1003);
    EXPECT_EQ(codeFor(WebSocketClient::frame(1, "\xff")), 1007);
    EXPECT_EQ(codeFor(WebSocketClient::frame(1, std::string(2049, ' '))), 1009);
    EXPECT_EQ(codeFor("\x81\x01x"), 1002) << "not masked";
    const auto browser = tab();
    browser->send(WebSocketClient::frame(9, "there?"));
    EXPECT_EQ(browser->control(10), "there?");
    browser->send(WebSocketClient::frame(8, "\x03\xe9"));
    EXPECT_EQ(browser->closeCode(), 1001);
    EXPECT_TRUE(browser->ended());
}

TEST_F(ProxyBrowser, PagesOfOthersMayNotConnect) {
    start("allow all\n", {"--allow-origin", "https://ui.example", "--allow-host", "manager.example"});
    const auto answer = [&](std::string_view origin, std::string_view host) {
        return WebSocketClient(loop, socket()).upgrade(origin, host);
    };
    EXPECT_EQ(answer("http://localhost", "localhost:8080"), accepted);
    EXPECT_EQ(answer("http://127.0.0.1:80", "127.0.0.1:8080"), accepted);
    EXPECT_EQ(answer("http://192.0.2.1", "192.0.2.1:8080"), accepted) << "the same host";
    EXPECT_EQ(answer("https://ui.example", "localhost:8080"), accepted);
    EXPECT_EQ(answer("https://ui.example", "manager.example"), accepted);
    EXPECT_EQ(answer("", "localhost"), accepted) << "no browser";
    for (const auto& [origin, host] : std::initializer_list<std::pair<const char*, const char*>>{
             {"http://evil.example", "localhost:8080"},
             {"http://ui.example", "localhost:8080"},
             {"https://ui.example.evil.example", "localhost"},
             {"http://localhost.evil.example", "localhost"},
             {"null", "localhost"},
             {"http://evil.example", "evil.example"},
             {"", "evil.example"}})
        EXPECT_THAT(answer(origin, host), StartsWith("HTTP/1.1 403 ")) << origin << " " << host;
    EXPECT_TRUE(proxySays("may not connect"));
}

TEST_F(ProxyBrowser, SeveralTabs) {
    start();
    const auto one = tab(), two = tab();
    std::unique_ptr<WebSocketClient> three = tab();
    for (std::uint32_t id = 10; id < 40; ++id) {
        one->sendText(fmt::format("{{\"id\":{},{}}}", id, echo("one")));
        two->sendText(fmt::format("{{\"id\":{},{}}}", id, echo("two")));
    }
    three.reset(); // in the middle
    for (std::uint32_t id = 10; id < 40; ++id) {
        EXPECT_THAT(one->replyTo(id), HasSubstr(R"(["one"])"));
        EXPECT_THAT(two->replyTo(id), HasSubstr(R"(["two"])"));
    }
    EXPECT_THAT(two->call(40, echo("two")), HasSubstr(R"(["two"])"));
}

TEST_F(ProxyBrowser, SilentClientsEnd) {
    start("allow all\n", {"--handshake-timeout", "3000", "--idle-timeout", "3000"});
    WebSocketClient silent(loop, socket());
    WebSocketClient half(loop, socket());
    half.send("GET / HTTP/1.1\r\nHost: loc");
    WebSocketClient helloless(loop, socket());
    EXPECT_EQ(helloless.upgrade(), accepted);
    const auto deaf = tab(); // does not answer pings
    EXPECT_TRUE(silent.ended());
    EXPECT_TRUE(half.ended());
    EXPECT_TRUE(helloless.ended());
    EXPECT_EQ(deaf->control(9), "");
    EXPECT_TRUE(deaf->ended());
    EXPECT_TRUE(proxySays("it does not answer"));
    const auto good = tab();
    for (int i = 0; i < 2; ++i) { // the second one: the answer to the first was heard
        good->control(9);
        good->send(WebSocketClient::frame(10, ""));
    }
    EXPECT_THAT(good->call(2, echo("here")), HasSubstr("here"));
}

TEST_F(ProxyBrowser, OneThatNeverReadsIsBoundedAndDropped) {
    start("allow all\n", {"--max-queue-bytes", "65536", "--idle-timeout", "3000"});
    const auto other = tab();
    const auto slow = tab();
    const std::size_t before = residentKilobytes();
    const std::string text =
        R"({"id":2,"destination":"org.freedesktop.DBus","method":"Introspect","path":"/",)"
        R"("interface":"org.freedesktop.DBus.Introspectable","args":[]})";
    const std::string call = WebSocketClient::frame(1, text);
    std::string many;
    for (int i = 0; i < 200; ++i)
        many += call;
    std::size_t sent = 0;
    std::uint32_t id = 10;
    for (int blocked = 0; blocked < 3;) {
        const std::size_t now = slow->trySend(std::string_view(many).substr(sent % call.size()));
        sent += now;
        blocked = now == 0 ? blocked + 1 : 0;
        ASSERT_LT(sent, 100U << 20) << "it goes on and on";
        EXPECT_THAT(other->call(++id, echo("hello")), HasSubstr("hello"));
    }
    EXPECT_LT(residentKilobytes(), before + 65536); // AddressSanitizer keeps what was freed
    const auto end = std::chrono::steady_clock::now() + patience;
    while (proxy->messages().find("it does not read") == std::string::npos) {
        ASSERT_LT(std::chrono::steady_clock::now(), end);
        EXPECT_THAT(other->call(++id, echo("hello")), HasSubstr("hello"));
    }
    EXPECT_TRUE(slow->ended());
    EXPECT_THAT(proxy->messages(),
                ContainsRegex("browser uid [0-9]+, pid [0-9]+: it does not read: [0-9]+ bytes wait for it "
                              "\\(limit 65536\\), and none was taken in 3000 ms"));
}

TEST_F(ProxyBrowser, TwoHundredRudeClients) {
    start("allow all\n", {"--max-clients", "300", "--max-clients-per-domain", "260"});
    const auto good = tab();
    std::vector<std::unique_ptr<WebSocketClient>> rude;
    for (int i = 0; i < 200; ++i) {
        auto& one = *rude.emplace_back(std::make_unique<WebSocketClient>(loop, socket()));
        if (i % 4 == 1)
            one.send("GET / HT");
        else if (i % 4 == 2)
            one.send(std::string(300, '\xff'));
        else if (i % 4 == 3)
            one.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    EXPECT_THAT(good->call(2, echo("hello")), HasSubstr("hello"));
    EXPECT_THAT(tab()->call(2, echo("new")), HasSubstr("new"));
    rude.clear();
    EXPECT_THAT(tab()->call(2, echo("after")), HasSubstr("after"));
    EXPECT_THAT(good->call(3, echo("hello")), HasSubstr("hello"));
}

TEST_F(ProxyBrowser, AreToldThatTheProxyEnds) {
    start("allow all\n", {"--farewell-timeout", "60000"});
    auto browser = tab(), other = tab();
    WebSocketClient half(loop, socket());
    half.send("GET / HTTP/1.1\r\nHost: loc");
    proxy->signal(SIGTERM);
    EXPECT_EQ(browser->closeCode(), 1001);
    EXPECT_EQ(other->closeCode(), 1001);
    EXPECT_TRUE(half.ended()) << "it has nothing to be told in";
    EXPECT_THROW(WebSocketClient(loop, socket()), Error) << "nobody new";
    browser->send(WebSocketClient::frame(8, "\x03\xe9"));
    EXPECT_TRUE(browser->ended());
    browser.reset();
    EXPECT_TRUE(proxy->running()) << "it waits for the other one";
    other.reset();
    EXPECT_EQ(proxy->waitEnd(), 0);
}

TEST_F(ProxyBrowser, WhoDoesNotTakeLeaveIsNotWaitedForLong) {
    start("allow all\n", {"--farewell-timeout", "200"});
    const auto rude = tab();
    proxy->signal(SIGTERM);
    EXPECT_EQ(proxy->waitEnd(), 0);
    EXPECT_EQ(rude->closeCode(), 1001);
}

TEST_F(ProxyBrowser, WhoIsToldTwiceEndsAtOnce) {
    start("allow all\n", {"--farewell-timeout", "600000"});
    const auto rude = tab();
    proxy->signal(SIGTERM);
    EXPECT_EQ(rude->closeCode(), 1001);
    proxy->signal(SIGTERM);
    EXPECT_EQ(proxy->waitEnd(), 0);
}

TEST_F(ProxyBrowser, ClientsOfDBusWithoutAuthentication) {
    startProxy("allow all\n", {"--auto-auth"});
    RawClient client(socket());
    client.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello");
    EXPECT_THAT(client.replyTo(1).text(), StartsWith(":"));
}

} // namespace
} // namespace xb::test
