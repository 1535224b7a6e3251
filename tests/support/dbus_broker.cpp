// SPDX-License-Identifier: Apache-2.0
#include "tests/support/dbus_broker.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <set>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xb::test {

namespace {

// As dbus-broker-launch sets them for a system bus.
constexpr auto maxBytes = "536870912";
constexpr auto maxFds = "4096";
constexpr auto maxMatches = "16384";

constexpr auto listenerPath = "/org/bus1/DBus/Listener/0";

// The policy's types on the controller connection: batches of rules per user, per group or range of users,
// and what SELinux and AppArmor want to know.
constexpr auto ownRule = "btbs";
constexpr auto messageRule = "btssssuutt";
constexpr auto batch = "bta(btbs)a(btssssuutt)a(btssssuutt)";
constexpr auto userBatch = "u(bta(btbs)a(btssssuutt)a(btssssuutt))";
constexpr auto rangeBatches = "(buu(bta(btbs)a(btssssuutt)a(btssssuutt)))";
constexpr auto whole =
    "a(u(bta(btbs)a(btssssuutt)a(btssssuutt)))a(buu(bta(btbs)a(btssssuutt)a(btssssuutt)))a(ss)bs";

constexpr std::uint32_t everyUser = std::numeric_limits<std::uint32_t>::max();

int check(int result) {
    if (result < 0)
        throw systemError("dbus-broker: its controller connection", -result);
    return result;
}

UniqueFd listenOn(const std::filesystem::path& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof address.sun_path)
        throw systemError(path.string(), ENAMETOOLONG);
    std::strcpy(address.sun_path, path.c_str());
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), SOMAXCONN) != 0)
        throw systemError("cannot listen on " + path.string(), errno);
    return fd;
}

// Writes a policy into a message. A rule's priority is its place: the higher one wins.
class PolicyWriter {
public:
    PolicyWriter(sd_bus_message* message, const BusPolicy& policy)
        : message_(message), type_(policy.type()), rules_(policy.rules()) {}

    void write() {
        open('v', ("(" + std::string(whole) + ")").c_str());
        open('r', whole);
        open('a', ("(" + std::string(userBatch) + ")").c_str());
        std::set<std::optional<uid_t>> users{std::nullopt};
        for (const auto& rule : rules_)
            users.insert(rule.user);
        for (const auto& user : users)
            writeUser(user);
        close();
        open('a', rangeBatches);
        close();
        check(sd_bus_message_append(message_, "a(ss)bs", 0, 0, type_.c_str()));
        close();
        close();
    }

private:
    void open(char type, const char* contents) {
        check(sd_bus_message_open_container(message_, type, contents));
    }
    void close() { check(sd_bus_message_close_container(message_)); }

    // A user who has a batch of his own has that alone: what is for everybody is in it as well.
    static bool appliesTo(const PolicyRule& rule, const std::optional<uid_t>& user) {
        return !rule.user || rule.user == user;
    }

    void writeUser(const std::optional<uid_t>& user) {
        open('r', userBatch);
        check(sd_bus_message_append(message_, "u", user ? static_cast<std::uint32_t>(*user) : everyUser));
        open('r', batch);
        bool mayConnect = false;
        std::uint64_t connectPriority = 0;
        for (std::size_t i = 0; i < rules_.size(); ++i)
            if (appliesTo(rules_[i], user) && rules_[i].what == PolicyRule::What::connect) {
                mayConnect = rules_[i].allow;
                connectPriority = i + 1;
            }
        check(sd_bus_message_append(message_, "bt", static_cast<int>(mayConnect), connectPriority));
        writeRules(user, PolicyRule::What::own);
        writeRules(user, PolicyRule::What::send);
        writeRules(user, PolicyRule::What::receive);
        close();
        close();
    }

    void writeRules(const std::optional<uid_t>& user, PolicyRule::What what) {
        const bool own = what == PolicyRule::What::own;
        const std::string type = own ? ownRule : messageRule;
        open('a', ("(" + type + ")").c_str());
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            const PolicyRule& rule = rules_[i];
            if (!appliesTo(rule, user) || rule.what != what)
                continue;
            const std::uint64_t priority = i + 1;
            open('r', type.c_str());
            check(sd_bus_message_append(message_, "bt", static_cast<int>(rule.allow), priority));
            if (own)
                check(
                    sd_bus_message_append(message_, "bs", static_cast<int>(rule.prefix), rule.name.c_str()));
            else // the last: broadcast or not, and how many file descriptors
                check(sd_bus_message_append(message_, "ssssuutt", rule.name.c_str(), rule.path.c_str(),
                                            rule.interface.c_str(), rule.member.c_str(), rule.type, 0U,
                                            UINT64_C(0), std::numeric_limits<std::uint64_t>::max()));
            close();
        }
        close();
    }

    sd_bus_message* message_;
    std::string type_;
    std::vector<PolicyRule> rules_;
};

} // namespace

void DbusBroker::Close::operator()(sd_bus* controller) const {
    sd_bus_close_unref(controller);
}

DbusBroker::DbusBroker(const std::filesystem::path& socket, const BusPolicy& policy) {
    const UniqueFd listener = listenOn(socket);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        throw systemError("cannot make a pair of sockets", errno);
    UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    pid_ = ::fork();
    if (pid_ < 0)
        throw systemError("cannot fork", errno);
    if (pid_ == 0) {
        constexpr int fixed = 3;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (theirs.get() == fixed)
            ::fcntl(fixed, F_SETFD, 0);
        else
            ::dup2(theirs.get(), fixed);
        ::execlp("dbus-broker", "dbus-broker", "--controller", "3", "--machine-id",
                 "0123456789abcdef0123456789abcdef", "--max-bytes", maxBytes, "--max-fds", maxFds,
                 "--max-matches", maxMatches, nullptr);
        ::_exit(127);
    }
    theirs.reset();
    try {
        sd_bus* bus = nullptr;
        check(sd_bus_new(&bus));
        controller_.reset(bus);
        check(sd_bus_set_fd(bus, ours.get(), ours.get()));
        static_cast<void>(ours.release());
        check(sd_bus_start(bus));
        sd_bus_message* made = nullptr;
        check(sd_bus_message_new_method_call(bus, &made, nullptr, "/org/bus1/DBus/Broker",
                                             "org.bus1.DBus.Broker", "AddListener"));
        const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> call(made,
                                                                                    &sd_bus_message_unref);
        check(sd_bus_message_append(made, "oh", listenerPath, listener.get()));
        PolicyWriter(made, policy).write();
        sd_bus_error error{};
        const int result = sd_bus_call(bus, made, 0, &error, nullptr);
        const std::string reason = error.name ? error.name : "";
        sd_bus_error_free(&error);
        if (result < 0)
            throw systemError("dbus-broker did not take its socket and policy (" + reason + ")", -result);
    } catch (...) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        throw;
    }
}

} // namespace xb::test
