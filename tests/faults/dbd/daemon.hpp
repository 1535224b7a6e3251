// SPDX-License-Identifier: Apache-2.0
// The real dbd on a private bus, in a directory of its own: started again and again, perhaps by a program
// that harms it, and driven by one client that keeps account of what was acknowledged.
#pragma once

#include "idl/db_client.hpp"
#include "idl/org_xenbroker_db_client.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/process.hpp"
#include "tests/unit/dbd/model.hpp"
#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xb::test {

using dbd::Model;
using Words = std::vector<std::string>;

/// Whether all of it is wanted and not a sample: XENBROKER_TEST_FULL=1.
bool fullRun();

/// What dbd locks in a database directory. It is no data: what it holds does not matter.
std::filesystem::path lockIn(const std::filesystem::path& config);

/// `count` of `all` numbers from 0, spread evenly; all of them in a full run.
std::vector<std::size_t> sample(std::size_t all, std::size_t count);

/// What the bus says for a callee that is gone.
bool isDeath(const Error& error);

/// What the client does.
struct Operation {
    enum class Kind {
        write,
        inject,
        rm,
        sync,   ///< org.xenbroker.db's
        settle, ///< waits until the files are written, or could not be
    };
    Kind kind = Kind::write;
    std::string path;
    std::string text;

    bool changes() const { return kind != Kind::sync && kind != Kind::settle; }
    std::string describe() const;
};
void applyTo(Model& model, const Operation& operation);
Model parseModel(const std::string& json);
/// The tree of `json` as a text that does not depend on what a restart does not keep.
std::string normalized(const std::string& json);
std::string normalized(Model model);

/// One dbd from its start to its end.
struct Life {
    std::vector<Operation> operations;
    bool endsInOrder = true; ///< SIGTERM; otherwise SIGKILL
};
/// Lives of each kind: the first start, one that begins with a full journal, with an empty one, with none.
std::vector<Life> workload();

/// What a client knows.
struct Account {
    Model acknowledged = Model::nodes(); ///< what all acknowledged operations make
    std::optional<Model> perhaps;        ///< what they make with the one that got no answer
    std::vector<std::string> refusals;   ///< error texts of dbd
    std::string shown;                   ///< dump of / at the end of an orderly life
    bool died = false;                   ///< dbd, unasked
    bool neverServed = false;            ///< it ended before it was ready
    bool endedInOrder = false;           ///< as the life said
    int status = 0;                      ///< of its end
    std::string messages;

    /// Whether a database with this dump has everything that was acknowledged, and nothing of its own.
    bool allows(const std::string& json) const;
};

class Daemon {
public:
    Daemon();

    std::filesystem::path config() const { return directory_.path() / "root/config"; }
    std::filesystem::path scratch() const { return directory_.path(); }

    /// `before`: words in front of the command line. `options`: behind it. Returns false if it ended before
    /// it was ready.
    bool start(const Words& before = {}, const Words& options = {});
    Process& process() { return *process_; }
    /// kill -9, and wait until it is gone.
    void kill();

    /// Starts dbd, lives a life, ends. `known` is what the client knew before. `onAnswer` is called after
    /// each operation that was acknowledged.
    Account live(const Life& life, const Model& known, const Words& before = {}, const Words& options = {},
                 const std::function<void(const Operation&)>& onAnswer = {});
    /// Starts dbd without harm, looks at what it has, ends it. Adds failures to the running test, naming
    /// `when`, unless it has what `account` allows, ends well, and all files are whole.
    void expectSound(const Account& account, const std::string& when, bool powerWasCut = false);

    /// Makes the database directory a copy of `from`, or `to` a copy of it.
    void restore(const std::filesystem::path& from);
    void keep(const std::filesystem::path& to) const;

    Loop& loop() { return loop_; }
    const std::string& address() const { return bus_.address(); }
    idl::db::DbClient db(Bus& bus) { return {bus, service, "/"}; }
    std::string dump();
    /// Waits until `condition` holds; it is looked at when `file` was written to. False when dbd ended
    /// before.
    bool waitForChange(const std::filesystem::path& file, const std::function<bool()>& condition);
    void run(Task<> task);
    /// Lets the loop run until `condition` holds. Throws after `patience`.
    void waitFor(const std::function<bool()>& condition);
    /// One call by `bus`.
    Task<> perform(Bus& bus, Operation operation);

    static constexpr const char* service = "com.citrix.xenclient.db";

private:
    void settle();
    void waitForCompany();

    TemporaryDirectory directory_;
    PrivateBus bus_;
    Loop loop_;
    std::unique_ptr<Bus> client_;
    std::unique_ptr<Process> process_;
    UniqueFd lifeline_; // no other end any more: dbd and who came with it are gone
    int starts_ = 0;
};

/// The database in a directory, loaded by dbd's own library: its dump. `complaints` gets what loading
/// reports.
std::string loadedDump(const std::filesystem::path& config, std::string& complaints);

} // namespace xb::test
