// SPDX-License-Identifier: Apache-2.0
// Sub-commands that move a domain to another host: `migrate` here, `migrate-receive` there, joined by
// whatever runs the latter (ssh). To the receiver go frames (migration_frames.hpp) of what a saved file
// holds, then "go"; from it come lines:
//
//   xenops-migration 1     it takes domains from this host
//   accepted               it knows the configuration, and has no such domain
//   restored               all has come and the domain is built; it waits for "go"
//   running                it runs there, and is to go here
//   failed: REASON         at any time; nothing is left of it there
//
// Until "go" is sent, whatever happens lets the guest go on here; from then until the answer nobody knows
// where it is to run, and it is left suspended here.
#include "toolstack/libs/child.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/utf8.hpp"
#include "toolstack/xenops/commands.hpp"
#include "toolstack/xenops/guest_start.hpp"
#include "toolstack/xenops/migration_frames.hpp"
#include "toolstack/xenops/migration_rules.hpp"
#include "toolstack/xenops/words.hpp"
#include "xen/saved_domain.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace xb::xenops {

namespace {

using Stream = asio::posix::stream_descriptor;

constexpr std::string_view greeting = "xenops-migration 1";
constexpr std::string_view failedPrefix = "failed: ";
constexpr std::string_view goWord = "go";
constexpr std::string_view defaultRules = "/etc/xenbroker/xenops.conf";
/// Longest answer of a receiver.
constexpr std::size_t maxAnswer = 4096;
/// Bytes that are read at once; a frame has no more.
constexpr std::size_t chunkSize = 64 * 1024;
static_assert(chunkSize <= maxFrame);

struct Pipe {
    UniqueFd reader;
    UniqueFd writer;
};

Pipe makePipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw systemError("cannot make a pipe", errno);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::shared_ptr<Stream> streamOf(const Executor& executor, UniqueFd descriptor) {
    return std::make_shared<Stream>(executor, descriptor.release());
}

// At most one chunk; empty at the end.
Task<std::string> readSome(std::shared_ptr<Stream> from) {
    std::string chunk(chunkSize, '\0');
    boost::system::error_code error;
    const std::size_t size =
        co_await from->async_read_some(asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, error));
    if (error && error != asio::error::eof)
        throw Error("reading the stream of the migration: " + error.message());
    chunk.resize(size);
    co_return chunk;
}

Task<> writeWhole(std::shared_ptr<Stream> to, std::string data) {
    boost::system::error_code error;
    co_await asio::async_write(*to, asio::buffer(data), asio::redirect_error(asio::use_awaitable, error));
    if (error)
        throw Error("writing the stream of the migration: " + error.message());
}

Task<> writeFrame(std::shared_ptr<Stream> to, std::string data) {
    co_await writeWhole(to, frameHeader(data.size()).append(data));
}

/// A copy under way beside something else.
struct Copy {
    explicit Copy(const Executor& executor) : ended(executor) {}
    Event ended;
    std::exception_ptr failure;
};

// ---- here

/// The process that runs migrate-receive on the other host.
class Receiver {
public:
    Receiver(const Executor& executor, const Words& words, std::string host)
        : host_(std::move(host)), in_(makePipe()), out_(makePipe()), child_(executor, command(words)),
          to_(streamOf(executor, std::move(in_.writer))), from_(streamOf(executor, std::move(out_.reader))) {
        in_.reader.reset();
        out_.writer.reset();
    }

    const std::shared_ptr<Stream>& to() const { return to_; }
    bool hasFailed() const { return failed_; }

    // Throws what it says instead.
    Task<> expect(std::string_view wanted) {
        const auto answer = co_await line();
        if (answer == wanted)
            co_return;
        if (answer && answer->starts_with(failedPrefix)) {
            failed_ = true;
            throw Error(fmt::format("{}: {}", host_, printable(answer->substr(failedPrefix.size()))));
        }
        if (answer)
            throw Error(fmt::format("{} answers \"{}\" instead of {}: is that xenops migrate-receive?", host_,
                                    printable(*answer, 80), wanted));
        const auto status = co_await end();
        throw Error(fmt::format("the receiver on {} is gone: it {}", host_, status.text()));
    }

    // What it says of its failure; nothing if it says nothing of the kind.
    Task<std::string> complaint() {
        if (to_->is_open())
            to_->close();
        for (;;) {
            const auto answer = co_await line();
            if (!answer)
                co_return "";
            if (answer->starts_with(failedPrefix))
                co_return printable(answer->substr(failedPrefix.size()));
        }
    }

    Task<ExitStatus> end() {
        if (to_->is_open())
            to_->close();
        if (from_->is_open())
            from_->close();
        co_return co_await child_.wait();
    }

private:
    Command command(const Words& words) const {
        Command result;
        result.arguments = words;
        result.descriptors = {{in_.reader.get(), STDIN_FILENO}, {out_.writer.get(), STDOUT_FILENO}};
        result.signalWhenParentDies = SIGTERM;
        return result;
    }

    // Nothing at the end.
    Task<std::optional<std::string>> line() {
        for (;;) {
            const auto end = buffer_.find('\n');
            if (end != std::string::npos) {
                std::string result = buffer_.substr(0, end);
                buffer_.erase(0, end + 1);
                co_return result;
            }
            if (buffer_.size() > maxAnswer)
                throw Error(fmt::format("{} answers more than {} bytes at once", host_, maxAnswer));
            const auto more = co_await readSome(from_);
            if (more.empty())
                co_return std::nullopt;
            buffer_ += more;
        }
    }

    std::string host_;
    Pipe in_;
    Pipe out_;
    Child child_;
    std::shared_ptr<Stream> to_;
    std::shared_ptr<Stream> from_;
    std::string buffer_;
    bool failed_ = false;
};

/// How far a migration is.
struct Progress {
    bool suspended = false; ///< the guest stands still here, and all of it was sent
    bool told = false;      ///< the receiver may let it run
};

Task<> copyIntoFrames(std::shared_ptr<Copy> copy, std::shared_ptr<Stream> from, std::shared_ptr<Stream> to) {
    try {
        for (;;) {
            auto chunk = co_await readSome(from);
            if (chunk.empty())
                break;
            co_await writeFrame(to, std::move(chunk));
        }
    } catch (...) {
        copy->failure = std::current_exception();
    }
    from->close(); // who writes into it notices
    copy->ended.set();
}

Task<> sendDomain(xen::Hypervisor& hypervisor, xen::DomId domid, std::shared_ptr<Stream> to,
                  xen::SaveMode mode, Progress& progress) {
    const auto executor = co_await asio::this_coro::executor;
    Pipe pipe = makePipe();
    auto copy = std::make_shared<Copy>(executor);
    spawn(executor, "migrate", copyIntoFrames(copy, streamOf(executor, std::move(pipe.reader)), to));
    std::exception_ptr failure;
    try {
        co_await hypervisor.save(domid, std::move(pipe.writer),
                                 mode); // which lets the guest go on when it fails
        progress.suspended = true;
    } catch (...) {
        failure = std::current_exception();
    }
    pipe.writer.reset();
    co_await copy->ended.wait();
    if (copy->failure)
        std::rethrow_exception(copy->failure); // the cause of the other
    if (failure)
        std::rethrow_exception(failure);
    std::string end;
    co_await writeFrame(to, std::move(end));
}

Task<> transfer(xen::Hypervisor& hypervisor, xen::DomId domid, Receiver& receiver, xen::SaveMode mode,
                Progress& progress) {
    const auto configuration = co_await hypervisor.configurationJson(domid);
    co_await receiver.expect(greeting);
    auto header = xen::savedHeader(configuration);
    for (std::string_view rest = header; !rest.empty();
         rest.remove_prefix(std::min(rest.size(), chunkSize))) {
        std::string part(rest.substr(0, chunkSize));
        co_await writeFrame(receiver.to(), std::move(part));
    }
    co_await receiver.expect("accepted");
    std::exception_ptr failure;
    try {
        co_await sendDomain(hypervisor, domid, receiver.to(), mode, progress);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        // A receiver that went away has said why.
        const auto complaint = co_await receiver.complaint();
        if (!complaint.empty())
            throw Error("the receiver: " + complaint);
        std::rethrow_exception(failure);
    }
    co_await receiver.expect("restored");
    std::string go(goWord);
    co_await writeFrame(receiver.to(), std::move(go)); // a pipe takes all of these few bytes, or none
    progress.told = true;
    co_await receiver.expect("running");
}

// The words that run the receiver: ssh's, or with an empty -ssh the host itself.
Words receiverWords(const Arguments& arguments, const std::string& host) {
    Words words = splitWords(arguments.text("ssh").value_or("ssh -o BatchMode=yes"), ' ');
    std::erase(words, "");
    if (words.empty()) {
        words = splitWords(host, ' ');
        std::erase(words, "");
    } else {
        if (host.front() == '-')
            throw notValid("HOST", fmt::format("\"{}\" would be an option of ssh", host));
        words.insert(words.end(), {host, "xenops", "migrate-receive"});
    }
    if (words.empty())
        throw notValid("HOST", "it is empty");
    return words;
}

Task<> migrate(Context& context) {
    const auto info = co_await theGuest(context);
    const std::string host = context.arguments.take("HOST");
    context.arguments.end();
    if (host.empty())
        throw notValid("HOST", "it is empty");
    const auto executor = co_await asio::this_coro::executor;
    std::signal(SIGPIPE, SIG_IGN); // a receiver may go
    Receiver receiver(executor, receiverWords(context.arguments, host), host);
    const auto mode = context.arguments.has("live") ? xen::SaveMode::live : xen::SaveMode::stopped;
    Progress progress;
    std::exception_ptr failure;
    try {
        co_await transfer(context.hypervisor, info.domid, receiver, mode, progress);
    } catch (...) {
        failure = std::current_exception();
    }
    const bool unknown = failure && progress.told && !receiver.hasFailed();
    if (failure && progress.suspended && !unknown)
        co_await context.hypervisor.resume(info.domid);
    const auto status = co_await receiver.end();
    if (unknown)
        throw Error(
            fmt::format("{0} was told to run on {1}, which has not confirmed it: it is left suspended here. "
                        "Look there: if it runs, xenops destroy {2}; if not, xenops resume {2}",
                        domainText(info), printable(host), info.domid));
    if (failure)
        std::rethrow_exception(failure);
    if (!status.success())
        context.warn(fmt::format("the receiver on {} {}", printable(host), status.text()));
    co_await context.hypervisor.destroy(info.domid);
    context.print("migrated domain: {} to {}", info.domid, printable(host));
}

// ---- there

/// Frames of stdin.
class Incoming {
public:
    explicit Incoming(std::shared_ptr<Stream> from) : from_(std::move(from)) {}

    // Throws at the end of the stream.
    Task<std::string> frame() {
        for (;;) {
            auto next = parser_.next();
            if (next)
                co_return *std::move(next);
            const auto more = co_await readSome(from_);
            if (more.empty())
                throw Error("the sender is gone");
            parser_.feed(more);
        }
    }

    Task<std::string> exactly(std::size_t size) {
        while (rest_.size() < size) {
            const auto more = co_await frame();
            if (more.empty())
                throw Error("the saved domain ends within its header");
            rest_ += more;
        }
        std::string result = rest_.substr(0, size);
        rest_.erase(0, size);
        co_return result;
    }
    std::string takeRest() { return std::exchange(rest_, {}); }

private:
    std::shared_ptr<Stream> from_;
    FrameParser parser_;
    std::string rest_;
};

Task<> copyFromFrames(std::shared_ptr<Copy> copy, std::shared_ptr<Incoming> from,
                      std::shared_ptr<Stream> to) {
    try {
        auto rest = from->takeRest();
        if (!rest.empty())
            co_await writeWhole(to, std::move(rest));
        for (;;) {
            auto frame = co_await from->frame();
            if (frame.empty())
                break;
            co_await writeWhole(to, std::move(frame));
        }
    } catch (...) {
        copy->failure = std::current_exception();
    }
    to->close();
    copy->ended.set();
}

Task<> answer(std::shared_ptr<Stream> to, std::string line) {
    co_await writeWhole(to, line + "\n");
}

// Leaves the domain paused, and whole.
Task<xen::DomId> receiveDomain(Context& context, std::shared_ptr<Incoming> from, GuestConfig config) {
    const auto executor = co_await asio::this_coro::executor;
    Pipe pipe = makePipe();
    auto copy = std::make_shared<Copy>(executor);
    spawn(executor, "migrate-receive",
          copyFromFrames(copy, from, streamOf(executor, std::move(pipe.writer))));
    const auto domid =
        co_await startGuest(context.hypervisor, std::move(config), std::move(pipe.reader), true);
    co_await copy->ended.wait();
    if (!copy->failure)
        co_return domid;
    co_await context.hypervisor.destroy(domid);
    std::rethrow_exception(copy->failure);
}

Task<> receive(Context& context, std::shared_ptr<Incoming> from, std::shared_ptr<Stream> to) {
    const std::string file = context.arguments.text("config").value_or(std::string(defaultRules));
    const auto text = readFileIfThere(file, maxMigrationRules);
    const auto rules = parseMigrationRules(text.value_or(""), file);
    const auto host = hostOfConnection(std::getenv("SSH_CONNECTION"));
    const auto refusal = rules.refusal(host);
    if (!refusal.empty())
        throw Error(errors::accessDenied, fmt::format("{}: see {}", refusal, file));
    std::string line(greeting);
    co_await answer(to, std::move(line));

    const auto bytes = co_await from->exactly(xen::savedHeaderSize);
    static const std::string what = "the stream of the migration";
    const auto size = xen::optionalDataSize(bytes, what);
    const auto optional = co_await from->exactly(size);
    auto header = xen::parseSavedHeader(bytes, optional, what);
    auto config = co_await savedGuestConfig(context, std::move(header), what, context.arguments.text("name"));
    line = "accepted";
    co_await answer(to, std::move(line));

    const auto domid = co_await receiveDomain(context, from, std::move(config));
    std::exception_ptr failure;
    try {
        line = "restored";
        co_await answer(to, std::move(line));
        const auto word = co_await from->frame();
        if (word != goWord)
            throw Error("the sender does not say go");
        co_await context.hypervisor.unpause(domid);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        co_await context.hypervisor.destroy(domid);
        std::rethrow_exception(failure);
    }
    line = "running";
    co_await answer(to, std::move(line));
}

UniqueFd duplicate(int descriptor) {
    UniqueFd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!copy)
        throw systemError("standard input and output are not both there", errno);
    return copy;
}

Task<> migrateReceive(Context& context) {
    context.arguments.end();
    const auto executor = co_await asio::this_coro::executor;
    std::signal(SIGPIPE, SIG_IGN); // the sender may go
    const auto from = std::make_shared<Incoming>(streamOf(executor, duplicate(STDIN_FILENO)));
    const auto to = streamOf(executor, duplicate(STDOUT_FILENO));
    std::string failure;
    try {
        co_await receive(context, from, to);
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (failure.empty())
        co_return;
    context.status = exitFailed;
    try {
        auto line = std::string(failedPrefix).append(printable(failure, maxAnswer / 2));
        co_await answer(to, std::move(line));
    } catch (const Error& e) {
        log::warn("{} ({})", failure, e.what()); // nobody hears of it otherwise
    }
}

Task<> resume(Context& context) {
    const auto info = co_await theGuest(context);
    co_await context.hypervisor.resume(info.domid);
    context.print("resumed domain: {}", info.domid);
}

} // namespace

std::vector<SubCommand> migrateCommands() {
    return {
        {"migrate",
         {},
         "DOMAIN HOST",
         {domidFlag,
          {"live", "", "it runs until little is left to send"},
          {"ssh", "COMMAND", "instead of \"ssh -o BatchMode=yes\"; empty: HOST is the whole command", "s"}},
         "moves a domain to another host, whose xenops migrate-receive is run by ssh",
         migrate},
        {"migrate-receive",
         {},
         "",
         {{"config", "FILE", "who may (/etc/xenbroker/xenops.conf)"},
          {"name", "NAME", "another name, and a UUID of its own"}},
         "takes a domain from stdin, if relocation-server is on for the host that sends it",
         migrateReceive},
        {"resume", {}, "DOMAIN", {domidFlag}, "a domain that was left suspended goes on", resume},
    };
}

} // namespace xb::xenops
