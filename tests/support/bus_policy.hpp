// SPDX-License-Identifier: Apache-2.0
// Who may connect, own names, call and hear on a private bus: <policy> elements, as text for dbus-daemon and
// as single rules for dbus-broker, so that a test sees the same policy on both.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace xb::test {

struct PolicyRule {
    enum class What { connect, own, send, receive };

    std::optional<uid_t> user; ///< nothing: everybody
    What what = What::connect;
    bool allow = false;
    std::string name;    ///< owned, sent to or received from; empty: any
    bool prefix = false; ///< of own: `name` and all names below it
    std::string path;
    std::string interface;
    std::string member;
    std::uint32_t type = 0; ///< of the message, as of the D-Bus specification; 0: any
};

class BusPolicy {
public:
    /// Everybody may do everything, as on a session bus.
    static BusPolicy permissive();
    /// What Debian's system bus has before any service adds to it.
    static BusPolicy systemBus();

    /// Adds the <policy> elements of a configuration file. Where they say user="root", `root` is meant, and
    /// `proxy` where they name the user of rpc-proxy: tests run as any user. Without `proxy` there is no such
    /// user, and what is for it is left out, as a bus does.
    void add(const std::filesystem::path& file, uid_t root, std::optional<uid_t> proxy = {});
    void addText(const std::string& busconfig, uid_t root, std::optional<uid_t> proxy = {});

    const std::string& type() const { return type_; }
    /// The <policy> elements, in order.
    const std::string& xml() const { return xml_; }
    /// The same, in the order in which a later one overrules an earlier one.
    std::vector<PolicyRule> rules() const;

private:
    explicit BusPolicy(std::string type) : type_(std::move(type)) {}

    std::string type_;
    std::string xml_;
};

} // namespace xb::test
