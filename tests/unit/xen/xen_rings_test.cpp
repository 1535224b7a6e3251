// SPDX-License-Identifier: Apache-2.0
// The rings of libxenvchan with the library itself and a real xenstored, but grants and event channels of
// fake_xen_devices.hpp: listener and connector both run in this process.
#include "tests/unit/xen/emulated_environment.hpp"
#include "tests/unit/xen/fake_xen_devices.hpp"
#include "tests/unit/xen/vchan_pattern.hpp"
#include "toolstack/libs/error.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/vchan/connector.hpp"
#include "xen/vchan/listener.hpp"
#include "xen/vchan/messages.hpp"
#include "xen/vchan_xen/xen_rings.hpp"

extern "C" {
#include <xenstore.h>
}

#include <cstdlib>
#include <unistd.h>

namespace xb::xen::test {

namespace {

using namespace vchan;

constexpr unsigned testPort = 5555;
constexpr std::chrono::milliseconds quickly{20000};

/// Rings as a domain has them that is not the one of this process.
class InDomain final : public Rings {
public:
    InDomain(std::shared_ptr<Rings> rings, DomId domid) : rings_(std::move(rings)), domid_(domid) {}
    Task<DomId> ownDomid() override { co_return domid_; }
    Task<RingPtr> offer(DomId client, std::string path, std::size_t size) override {
        return rings_->offer(client, std::move(path), size);
    }
    Task<RingPtr> open(DomId server, std::string path, std::chrono::milliseconds limit) override {
        return rings_->open(server, std::move(path), limit);
    }

private:
    std::shared_ptr<Rings> rings_;
    DomId domid_;
};

} // namespace

class XenRingsTest : public HypervisorTest {
public:
    ~XenRingsTest() override { setGrantLimit(1024); }

protected:
    XenRingsTest() {
        const auto socket = emulated::xenstoreSocketPath(emulator().directory());
        // libxenvchan makes its own connections, from a thread that may outlive this test: it stays set.
        ::setenv("XENSTORED_PATH", socket.c_str(), 1);
        store_ = std::make_shared<XenStoreClient>(loop_.executor(), socket);
        rings_ = makeXenRings(loop_.executor(), store_);
    }
    std::unique_ptr<VchanListener> listen(const VchanLimits& limits = {}) {
        // Each process is a machine of its own: tests run side by side.
        const std::string machine = "fake-" + std::to_string(::getpid());
        return vchan::listen(loop_.executor(), rings_, store_, machine, testPort, limits);
    }
    std::unique_ptr<VchanConnector> connector(DomId domid) {
        return makeConnector(std::make_shared<InDomain>(rings_, domid));
    }
    struct Pair {
        std::unique_ptr<VchanStream> server;
        std::unique_ptr<VchanStream> client;
    };
    Pair connect(VchanListener& listener, DomId domid) {
        const auto calling = connector(domid);
        Pair pair;
        pair.client = await(calling->connect(controlDomain, testPort, quickly));
        pair.server = await(listener.accept());
        EXPECT_EQ(pair.server->peer(), domid);
        return pair;
    }
    /// Returns when a ring is there.
    Task<> offered(std::string path) {
        for (const char* leaf : {"/ring-ref", "/event-channel"})
            while (!co_await store_->read(path + leaf)) {
            }
    }
    void expectCarries(VchanStream& from, VchanStream& to, std::size_t size) {
        bool sent = false;
        auto sending = [](VchanStream& stream, std::size_t count, bool& done) -> Task<> {
            co_await sendPattern(stream, count);
            done = true;
        };
        spawn(loop_.executor(), "sending", sending(from, size, sent));
        await(receivePattern(to, size));
        runUntil([&] { return sent; }, "everything to be sent");
    }
    std::vector<xs_permissions> permissions(const std::string& path) {
        auto read = [path](xs_handle* handle) {
            unsigned count = 0;
            xs_permissions* list = xs_get_permissions(handle, XBT_NULL, path.c_str(), &count);
            std::vector<xs_permissions> result(list, list + (list ? count : 0));
            std::free(list);
            return result;
        };
        return await(store_->run(std::move(read)));
    }

    std::shared_ptr<XenStoreClient> store_;
    std::shared_ptr<Rings> rings_;
};

TEST_F(XenRingsTest, AConnectionGoesBothWays) {
    const auto listener = listen();
    const DomId domid = start(config());
    auto pair = connect(*listener, domid);
    expectCarries(*pair.client, *pair.server, 500000);
    expectCarries(*pair.server, *pair.client, 500000);
    std::string byte(1, 'x');
    EXPECT_FALSE(pair.server->tryRead(byte));
    EXPECT_EQ(pair.client->tryWrite(byte), 1u);
    pair.client->close();
    EXPECT_EQ(await(readToEnd(*pair.server)), 1u);
    EXPECT_NE(failure(sendPattern(*pair.server, 1)), "");
    auto second = connect(*listener, domid);
    await(sendPattern(*second.server, 4000));
    second.server->close();
    EXPECT_EQ(await(readToEnd(*second.client)), 4000u);
}

TEST_F(XenRingsTest, LargerRingsHaveMorePages) {
    VchanLimits limits;
    limits.ringSize = 65536;
    const auto listener = listen(limits);
    auto pair = connect(*listener, start(config()));
    EXPECT_GE(sharedPages(), 33u);
    expectCarries(*pair.server, *pair.client, 500000);
    const std::string much(200000, 'x');
    EXPECT_EQ(pair.client->tryWrite(much), 65536u);
    EXPECT_EQ(pair.client->tryWrite(much), 0u);
}

TEST_F(XenRingsTest, OnlyTheDomainMayReadWhereItsRingsAre) {
    const auto listener = listen();
    const DomId domid = start(config());
    const auto pair = connect(*listener, domid);
    const auto port = portPath(controlDomain, domid, testPort);
    await(offered(port + "listen")); // anew, for the next one
    const auto names = await(store_->list(port.substr(0, port.size() - 1)));
    EXPECT_EQ(names.size(), 2u); // listen and the connection
    for (const auto& name : names)
        for (const char* leaf : {"/ring-ref", "/event-channel"}) {
            const auto list = permissions(port + name + leaf);
            ASSERT_EQ(list.size(), 2u) << name << leaf;
            EXPECT_EQ(list[0].id, 0u);
            EXPECT_EQ(list[0].perms, XS_PERM_NONE);
            EXPECT_EQ(list[1].id, domid);
            EXPECT_EQ(list[1].perms, XS_PERM_READ);
        }
    for (auto path = port + names[0]; path != "/local/domain/0"; path.resize(path.rfind('/'))) {
        const auto list = permissions(path);
        ASSERT_EQ(list.size(), 1u) << path;
        EXPECT_EQ(list[0].perms, XS_PERM_NONE) << path;
    }
}

TEST_F(XenRingsTest, TheDeathOfADomainEndsAndForgets) {
    const auto listener = listen();
    const DomId domid = start(config());
    auto pair = connect(*listener, domid);
    await(sendPattern(*pair.client, 300));
    await(hypervisor().destroy(domid));
    EXPECT_EQ(await(readToEnd(*pair.server)), 300u);
    EXPECT_NE(failure(sendPattern(*pair.server, 1)), "");
    waitForNode(clientsPath(controlDomain) + "/" + std::to_string(domid), "(none)");
}

TEST_F(XenRingsTest, EverythingIsGivenBack) {
    {
        const auto listener = listen();
        const DomId domid = start(config());
        for (int i = 0; i < 20; ++i)
            connect(*listener, domid);
    }
    // One that was being made is closed when it is there, so a turn or two of loop and worker may be needed.
    std::size_t pages = 0;
    for (int turn = 0; turn < 5 && pages != 1; ++turn) {
        const auto ring = await(rings_->offer(1, "/local/domain/0/data/vchan/last", 1024));
        pages = sharedPages();
    }
    EXPECT_EQ(pages, 1u);
}

TEST_F(XenRingsTest, NoGrantsLeftIsAnErrorThatPasses) {
    const auto listener = listen();
    const DomId domid = start(config());
    const auto first = connect(*listener, domid);
    setGrantLimit(5); // 3 of the connection, 1 of the listener ring: enough for another one of the latter
    const auto calling = connector(domid);
    EXPECT_NE(failure(calling->connect(controlDomain, testPort, quickly)).find("no ring could be made"),
              std::string::npos);
    EXPECT_NE(failure(rings_->offer(domid, "/local/domain/0/data/vchan/no", 4096)).find("xen-gntalloc"),
              std::string::npos);
    setGrantLimit(1024);
    auto second = connect(*listener, domid);
    expectCarries(*second.client, *second.server, 100);
}

TEST_F(XenRingsTest, ARingHasOneClient) {
    const std::string path = "/local/domain/0/data/vchan/test";
    const auto offered = await(rings_->offer(1, path, 1024));
    EXPECT_EQ(offered->state(), RingState::waiting);
    const auto first = await(rings_->open(0, path, quickly));
    ASSERT_TRUE(first);
    EXPECT_EQ(offered->state(), RingState::open);
    EXPECT_FALSE(await(rings_->open(0, path, std::chrono::milliseconds(50))));
    offered->close();
    while (first->state() != RingState::closed)
        await(first->readable());
    const auto again = await(rings_->offer(1, path, 1024));
    EXPECT_TRUE(await(rings_->open(0, path, quickly)));
}

TEST_F(XenRingsTest, AConnectorTakesItsOwnAnswerAndItsOwnPathsOnly) {
    const auto listening = await(rings_->offer(1, listenPath(controlDomain, 1, testPort), 1024));
    std::string refusal;
    auto calling = [](std::unique_ptr<VchanConnector> from, std::string& text) -> Task<> {
        try {
            co_await from->connect(controlDomain, testPort, quickly);
        } catch (const Error& e) {
            text = e.what();
        }
    };
    spawn(loop_.executor(), "connecting", calling(connector(1), refusal));
    Request request;
    std::string received(headerSize, '\0');
    std::size_t used = 0;
    runUntil([&] { return listening->state() == RingState::open; }, "the connector to come");
    while (listening->read(received) == 0)
        await(listening->readable());
    ASSERT_EQ(parseRequest(received, request, used), Parsed::message);
    Answer others{Status::failed, request.nonce, "for somebody else"};
    ++others.nonce[3];
    const Answer own{Status::ring, request.nonce, portPath(controlDomain, 2, testPort) + "1"};
    const auto bytes = toBytes(others) + toBytes(own);
    EXPECT_EQ(listening->write(bytes), bytes.size());
    runUntil([&] { return !refusal.empty(); }, "the connector to refuse");
    EXPECT_EQ(refusal, "vchan port 5555 of domain 0: told to use /local/domain/0/data/vchan/2/5555/1, which "
                       "is not below /local/domain/0/data/vchan/1/5555/");
}

TEST_F(XenRingsTest, APathThatTheLibraryWouldCutIsRefused) {
    const std::string path(maxRingPath + 1, '/');
    EXPECT_NE(failure(rings_->offer(1, path, 1024)).find("1 to 49 letters"), std::string::npos);
    EXPECT_NE(failure(rings_->open(0, path, quickly)).find("1 to 49 letters"), std::string::npos);
}

} // namespace xb::xen::test
