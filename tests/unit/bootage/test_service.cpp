// SPDX-License-Identifier: Apache-2.0
// A service for the tests of bootage. Its arguments are steps that it takes one after the other; it ends with
// status 0 after the last one, or 99 when a step cannot be taken.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace {

const char* fileAtTerm = nullptr;
const char* wordAtTerm = nullptr;
int listener = -1;
const char* pidFile = nullptr;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(99);
}

void append(const char* file, const char* word) {
    const int fd = ::open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    std::string line = std::string(word) + "\n";
    if (fd < 0 || ::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        fail(file);
    ::close(fd);
}

// Only one thing runs in this program, and it is in pause() or read() when the signal comes.
void atTerm(int) {
    append(fileAtTerm, wordAtTerm);
    ::_exit(0);
}

[[noreturn]] void pauseForever() {
    for (;;)
        ::pause();
}

void bindTo(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::unlink(path);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail(path);
}

// Until somebody writes a line into the fifo.
void waitFor(const char* fifo) {
    const int fd = ::open(fifo, O_RDONLY | O_CLOEXEC);
    char byte = 0;
    if (fd < 0 || ::read(fd, &byte, 1) != 1)
        fail(fifo);
    ::close(fd);
}

// A process that goes on without us: in a session of its own, or left in ours.
bool branchOff(bool ownSession) {
    if (::fork() != 0)
        return false;
    if (ownSession)
        ::setsid();
    return true;
}

} // namespace

int main(int argc, char** argv) {
    auto next = [&, at = 1]() mutable -> const char* { return at < argc ? argv[at++] : nullptr; };
    while (const char* word = next()) {
        const std::string step = word;
        if (step == "write") { // FILE WORD
            const char* file = next();
            append(file, next());
        } else if (step == "say") // WORD
            std::puts(next());
        else if (step == "at-term") { // FILE WORD
            fileAtTerm = next();
            wordAtTerm = next();
            ::signal(SIGTERM, atTerm);
        } else if (step == "ignore-term")
            ::signal(SIGTERM, SIG_IGN);
        else if (step == "notify")
            sd_notify(0, "STATUS=as ready as can be\nREADY=1");
        else if (step == "bind") // PATH
            bindTo(next());
        else if (step == "listen")
            ::listen(listener, 5);
        else if (step == "wait-for") // FIFO
            waitFor(next());
        else if (step == "apart" || step == "left") {
            // FILE: a process that goes on with the steps up to "here", where its number goes to the file.
            pidFile = next();
            const bool branch = branchOff(step == "apart");
            while (!branch && (word = next()) && std::strcmp(word, "here") != 0) {
            }
        } else if (step == "here") {
            append(pidFile, std::to_string(::getpid()).c_str());
            pauseForever();
        } else if (step == "wait")
            pauseForever();
        else if (step == "exit") // STATUS
            return std::fflush(stdout), static_cast<int>(std::strtol(next(), nullptr, 10));
        else {
            std::fprintf(stderr, "unknown step %s\n", word);
            return 99;
        }
        std::fflush(stdout);
    }
    return 0;
}
