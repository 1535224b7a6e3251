// SPDX-License-Identifier: Apache-2.0
// The side of the dialogue that a client of the proxy sees. It lets everybody through who speaks properly,
// and says what they claimed to be: who they are is known from the transport, and nothing here is a reason to
// believe them.
//
// It must do for clients that wait for each answer and for those that send everything at once, messages
// included: what follows BEGIN is not touched.
#pragma once

#include "rpc-proxy/sasl/line_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace xb::proxy::sasl {

struct ServerOptions {
    std::string guid;      ///< what the client is told to be the bus; 32 hexadecimal digits
    bool external = true;  ///< offer EXTERNAL
    bool anonymous = true; ///< offer ANONYMOUS
    bool unixFds = false;  ///< agree to pass descriptors
};

enum class Mechanism : std::uint8_t { none, external, anonymous };

class Server {
public:
    /// `options` must live as long as this.
    /// `uuid`: that the client is told in a line of its own before OK ("DATA UUID"); empty: it is not.
    explicit Server(const ServerOptions& options, std::string_view uuid = {})
        : options_(options), uuid_(uuid) {}
    explicit Server(ServerOptions&& options, std::string_view uuid = {}) = delete;

    enum class State : std::uint8_t { talking, done, failed };

    /// Takes what was received and appends the answers to `reply` (also when it fails: send them, then
    /// close). Returns what is not part of the dialogue, a part of `bytes`: once it is done(), the beginning
    /// of the messages.
    std::string_view feed(std::string_view bytes, std::string& reply);

    State state() const { return state_; }
    bool done() const { return state_ == State::done; }
    /// Why it failed; for the log, without the client's own text.
    std::string_view failure() const { return failure_; }

    Mechanism mechanism() const { return mechanism_; }
    /// What the client says it is: with EXTERNAL a uid in decimal, with ANONYMOUS anything. Printable, may be
    /// empty.
    const std::string& claim() const { return claim_; }
    /// Descriptors may be passed.
    bool unixFds() const { return unixFds_; }

private:
    enum class Expects : std::uint8_t { nul, auth, data, begin };

    void line(std::string_view line, std::string& reply);
    void auth(std::string_view arguments, std::string& reply);
    void respond(std::string_view hex, std::string& reply);
    void reject(std::string& reply);
    void fail(std::string_view why);

    const ServerOptions& options_;
    std::string uuid_;
    LineReader lines_;
    std::size_t count_ = 0;
    Expects expects_ = Expects::nul;
    State state_ = State::talking;
    std::string_view failure_;
    Mechanism mechanism_ = Mechanism::none;
    std::string claim_;
    bool unixFds_ = false;
};

} // namespace xb::proxy::sasl
