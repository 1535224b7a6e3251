// SPDX-License-Identifier: Apache-2.0
#include "daemon.hpp"

#include "dbd/json.hpp"
#include "dbd/lock.hpp"
#include "dbd/store.hpp"
#include "tests/unit/dbd/fault_file_system.hpp"
#include "tests/unit/dbd/model_of.hpp"
#include "toolstack/libs/error.hpp"

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace xb::test {

namespace fs = std::filesystem;

namespace {

constexpr int killed = 128 + SIGKILL;

Model::Path segments(const std::string& path) {
    Model::Path result;
    std::string::size_type start = 0;
    while (start < path.size()) {
        const auto end = std::min(path.find('/', start), path.size());
        if (end > start)
            result.push_back(path.substr(start, end - start));
        start = end + 1;
    }
    return result;
}

std::size_t occurrences(const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++count;
    return count;
}

} // namespace

bool isDeath(const Error& error) {
    for (const char* name : {"NoReply", "ServiceUnknown", "NameHasNoOwner", "Disconnected"}) {
        if (error.name() == std::string("org.freedesktop.DBus.Error.") + name)
            return true;
    }
    return false;
}

Model parseModel(const std::string& json) {
    const dbd::ParseResult parsed = dbd::parseJson(json, dbd::Trailing::Refused, dbd::Limits());
    if (!parsed.node)
        throw Error("not JSON: " + parsed.place());
    return dbd::modelOf(*parsed.node);
}

bool fullRun() {
    const char* const wanted = std::getenv("XENBROKER_TEST_FULL");
    return wanted != nullptr && std::string(wanted) == "1";
}

fs::path lockIn(const fs::path& config) {
    return config / "journal" / dbd::lockName;
}

std::vector<std::size_t> sample(std::size_t all, std::size_t count) {
    if (fullRun() || count > all)
        count = all;
    std::vector<std::size_t> numbers;
    for (std::size_t i = 0; i < count; ++i)
        numbers.push_back(i * all / count);
    return numbers;
}

// ---- What is done, and what is known of it ----

std::string Operation::describe() const {
    static constexpr const char* names[] = {"write", "inject", "rm", "sync", "settle"};
    return std::string(names[static_cast<int>(kind)]) + " " + path;
}

void applyTo(Model& model, const Operation& operation) {
    const Model::Path path = segments(operation.path);
    if (operation.kind == Operation::Kind::write)
        model.write(path, operation.text);
    else if (operation.kind == Operation::Kind::inject)
        model.put(path, parseModel(operation.text));
    else if (operation.kind == Operation::Kind::rm)
        model.rm(path);
}

std::string normalized(Model model) {
    dbd::sortFiles(model);
    return model.dump();
}

std::string normalized(const std::string& json) {
    return normalized(parseModel(json));
}

bool Account::allows(const std::string& json) const {
    const std::string there = normalized(json);
    return there == normalized(acknowledged) || (perhaps && there == normalized(*perhaps));
}

std::vector<Life> workload() {
    using enum Operation::Kind;
    const std::string web = "/vm/6b7c0000-aaaa-4bcd-9ef0-000000000001";
    const std::string mail = "/vm/6b7c0000-aaaa-4bcd-9ef0-000000000002";
    const std::string webStore = "/dom-store/6b7c0000-aaaa-4bcd-9ef0-000000000001";
    const std::string mailStore = "/dom-store/6b7c0000-aaaa-4bcd-9ef0-000000000002";
    const Operation settled{settle, {}, {}};
    const Operation synced{sync, {}, {}};
    return {
        // The first start writes the database that it begins with.
        {{settled}, true},
        {{{write, "/first", "1"}, // it makes the journal's directory, and is in its file at once
          settled,
          {inject, web, R"({"name":"web","config":{"memory":256,"acpi":true,"disk":{"0":{"path":"/a"}}}})"},
          {inject, mail, R"({"name":"mail","list":[1,"two",null],"none":null})"},
          {write, webStore + "/key", "private"},
          {inject, mailStore, R"({"a":{"b":"c"}})"},
          synced,
          {write, web + "/config/memory", "512"},
          {rm, web + "/config/disk/0", {}},
          {write, "//first//", "2"}},
         false},
        // This start finds a full journal, and writes files at once.
        {{settled,
          {rm, mail, {}},
          {write, web + "/name", "changed"},
          {write, webStore + "/other", "x"},
          {rm, mailStore + "/a", {}},
          {inject, "/tree", R"({"z":"1","a":{"deep":{"er":"2"}}})"},
          synced,
          {write, mail + "/name", "once more"},
          {rm, "/first", {}}},
         true},
        {{{write, web + "/name", "third"}, // written at once
          settled,
          {rm, "/dom-store", {}},
          {inject, "/vm", R"({"other":{"name":"only"}})"},
          {rm, "/tree/a/deep/er", {}},
          {write, "/vm/other/name", "last"}},
         true},
    };
}

// ---- The daemon ----

Daemon::Daemon() : client_(std::make_unique<Bus>(loop_, bus_.address())) {
    fs::create_directories(config());
}

bool Daemon::start(const Words& before, const Words& options) {
    Words words = before;
    for (const std::string& word :
         {std::string(DBD), std::string("--bus"), bus_.address(), std::string("--root"),
          (directory_.path() / "root").string(), std::string("--log-to"), std::string("stderr")})
        words.push_back(word);
    words.insert(words.end(), options.begin(), options.end());
    process_.reset();
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw systemError("cannot make a pipe", errno);
    lifeline_.reset(ends[0]);
    const UniqueFd inherited(ends[1]);
    ::fcntl(inherited.get(), F_SETFD, 0);
    process_ = std::make_unique<Process>(directory_.path(), "dbd-" + std::to_string(++starts_), words);
    return process_->waitReady();
}

// dbd has ended; who was started with it, and is not our child, may have something to write still.
void Daemon::waitForCompany() {
    pollfd fd{lifeline_.get(), 0, 0};
    if (::poll(&fd, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) <= 0)
        throw std::runtime_error("what was started with dbd did not end with it");
}

void Daemon::kill() {
    process_->signal(SIGKILL);
    process_->waitEnd();
}

void Daemon::run(Task<> task) {
    bool done = false;
    std::exception_ptr failure;
    auto ended = [&](const std::exception_ptr& e) {
        failure = e;
        done = true;
    };
    asio::co_spawn(loop_.context(), std::move(task), ended);
    waitFor([&done] { return done; });
    if (failure)
        std::rethrow_exception(failure);
}

void Daemon::waitFor(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    loop_.context().restart();
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline)
            throw std::runtime_error("nothing happened within the test's patience");
        loop_.context().run_one_until(deadline);
    }
}

std::string Daemon::dump() {
    std::string result;
    auto ask = [](idl::db::DbClient client, std::string& into) -> Task<> {
        into = co_await client.dump("/");
    };
    run(ask(db(*client_), result));
    return result;
}

Task<> Daemon::perform(Bus& bus, Operation operation) {
    auto client = db(bus);
    switch (operation.kind) {
    case Operation::Kind::write:
        co_await client.write(operation.path, operation.text);
        break;
    case Operation::Kind::inject:
        co_await client.inject(operation.path, operation.text);
        break;
    case Operation::Kind::rm:
        co_await client.rm(operation.path);
        break;
    case Operation::Kind::sync: {
        idl::org_xenbroker_db::DbClient extension(bus, service, "/");
        co_await extension.sync();
        break;
    }
    case Operation::Kind::settle:
        settle();
        break;
    }
}

// A flush begins at the first change, and at a start with changes. SIGHUP waits for its end, and says so.
void Daemon::settle() {
    const std::string said = "read the files in ";
    const std::size_t before = occurrences(process_->messages(), said);
    process_->signal(SIGHUP);
    waitForChange(directory_.path() / ("dbd-" + std::to_string(starts_) + ".log"),
                  [&] { return occurrences(process_->messages(), said) > before; });
}

bool Daemon::waitForChange(const fs::path& file, const std::function<bool()>& condition) {
    const UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch || ::inotify_add_watch(watch.get(), file.c_str(), IN_MODIFY) < 0)
        throw systemError("cannot watch " + file.string(), errno);
    const UniqueFd end(static_cast<int>(::syscall(SYS_pidfd_open, process_->pid(), 0)));
    while (!condition()) {
        if (!process_->running())
            return false;
        pollfd fds[2]{{watch.get(), POLLIN, 0}, {end.get(), POLLIN, 0}};
        if (::poll(fds, 2, static_cast<int>(std::chrono::milliseconds(patience).count())) <= 0)
            throw std::runtime_error("nothing happened within the test's patience in " + file.string());
        char events[4096];
        static_cast<void>(::read(watch.get(), events, sizeof events)); // that there are some is all
    }
    return true;
}

Account Daemon::live(const Life& life, const Model& known, const Words& before, const Words& options,
                     const std::function<void(const Operation&)>& onAnswer) {
    Account account;
    account.acknowledged = known;
    account.endedInOrder = life.endsInOrder;
    account.neverServed = account.died = !start(before, options);
    for (const Operation& operation : life.operations) {
        if (account.died)
            break;
        try {
            run(perform(*client_, operation));
            applyTo(account.acknowledged, operation);
            if (onAnswer)
                onAnswer(operation);
        } catch (const Error& error) {
            if (!isDeath(error)) {
                account.refusals.push_back(operation.describe() + ": " + error.what());
                continue;
            }
            account.died = true;
            account.perhaps = account.acknowledged;
            applyTo(*account.perhaps, operation);
        }
    }
    if (!account.died) {
        try {
            if (life.endsInOrder)
                account.shown = dump();
        } catch (const Error& error) {
            if (!isDeath(error))
                throw;
        }
        process_->signal(life.endsInOrder ? SIGTERM : SIGKILL);
    }
    account.status = process_->waitEnd().value_or(-1);
    account.died = account.died || (life.endsInOrder && account.status == killed);
    account.messages = process_->messages();
    process_.reset();
    waitForCompany();
    return account;
}

void Daemon::expectSound(const Account& account, const std::string& when, bool powerWasCut) {
    ASSERT_TRUE(start()) << when << ": dbd does not start any more: " << process_->messages();
    const std::string there = dump();
    EXPECT_TRUE(account.allows(there))
        << when << "\nthere is: " << there << "\nacknowledged was: " << normalized(account.acknowledged)
        << (account.perhaps ? "\nor at most: " + normalized(*account.perhaps) : "");
    process_->signal(SIGTERM);
    EXPECT_EQ(process_->waitEnd(), 0) << when << "\n" << process_->messages();
    EXPECT_EQ(process_->messages().find("error"), std::string::npos) << when << "\n" << process_->messages();
    const std::string messages = process_->messages();
    process_.reset();
    std::string complaints;
    const std::string files = loadedDump(config(), complaints);
    EXPECT_EQ(complaints, "") << when;
    EXPECT_EQ(normalized(files), normalized(there)) << when << ": what the files have is not what was served";
    for (const auto& entry : fs::recursive_directory_iterator(config())) {
        // After a power cut the unsynced end of the journal is kept.
        const std::string name = entry.path().filename();
        const bool torn = entry.path().parent_path().filename() == "set-aside" && powerWasCut &&
                          name.starts_with("journal_");
        const bool expected = entry.is_directory() || entry.path().extension() == ".db" ||
                              entry.path() == config() / "db" || entry.path() == lockIn(config()) || torn;
        EXPECT_TRUE(expected) << when << ": left behind: " << entry.path() << "\n" << messages;
    }
}

void Daemon::restore(const fs::path& from) {
    fs::remove_all(config());
    fs::copy(from, config(), fs::copy_options::recursive);
}

void Daemon::keep(const fs::path& to) const {
    fs::copy(config(), to, fs::copy_options::recursive);
}

std::string loadedDump(const fs::path& config, std::string& complaints) {
    dbd::FaultFileSystem files; // without faults, and without real syncs
    dbd::Store store(files, config.string());
    for (const dbd::Problem& problem : store.load())
        complaints += problem.message() + "\n";
    return store.tree().dump("/");
}

} // namespace xb::test
