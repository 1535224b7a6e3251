# SPDX-License-Identifier: Apache-2.0
"""The installed tests of the D-Bus reference implementation (Debian's dbus-tests), test by test: directly on a bus, and the same
through rpc-proxy. What passes directly must pass through the proxy, but for those listed here, which must not.

Of its programs these three use the bus that DBUS_TEST_DAEMON_ADDRESS names; the others (test-fdpass, test-relay ...) make their
own connections and would pass without any proxy. The tests that need a bus of another configuration skip themselves."""

import os
import pathlib
import subprocess

from world import DOMAIN, PATIENCE, Failure, World

TESTS = pathlib.Path("/usr/lib/dbus-1.0/installed-tests/dbus")
DAEMON, EAVESDROP, MONITOR = "test-dbus-daemon", "test-dbus-daemon-eavesdrop", "test-monitor"

# Why a test differs, and what it says then.
OWN_PROCESS = ("the bus sees the process of rpc-proxy", "== getpid ()")
ENVIRONMENT = ("guests may not change the environment of programs that the bus starts", "DBUS_MESSAGE_TYPE_METHOD_RETURN")
SET = ("guests may not set properties of the bus", '"org.freedesktop.DBus.Error.AccessDenied" ==')
LISTEN = ("guests may not listen to what is for others", "guests may not listen to what is for others")

DIFFER_FOR_DOM0 = {
    (DAEMON, "/creds"): OWN_PROCESS,
    (DAEMON, "/processid"): OWN_PROCESS,
}
DIFFER_FOR_GUESTS = DIFFER_FOR_DOM0 | {
    (DAEMON, "/canonical-path/uae"): ENVIRONMENT,
    (DAEMON, "/properties/set-invalid-iface"): SET,
    (DAEMON, "/properties/set-invalid-path"): SET,
    (DAEMON, "/properties/set-invalid"): SET,
    (DAEMON, "/properties/set"): SET,
    (EAVESDROP, "/eavedrop/match_keyword/broadcast"): LISTEN,
    (EAVESDROP, "/eavedrop/match_keyword/unicast_to_receiver"): LISTEN,
    (EAVESDROP, "/eavedrop/match_keyword/unicast_to_sender"): LISTEN,
}
# Who, the domain, the rules, the programs, and what differs. All of test-monitor begins with what guests may not do.
WAYS = (
    ("dom0", None, "deny all\n", (DAEMON, EAVESDROP, MONITOR), DIFFER_FOR_DOM0),
    ("a guest", DOMAIN, "allow all\n", (DAEMON, EAVESDROP), DIFFER_FOR_GUESTS),
)
# The tests of the bus make more calls at once than a client of the proxy may by default.
OPTIONS = ("--max-pending-calls", "10000")


def environment(address):
    return dict(os.environ, DBUS_TEST_DATA=str(TESTS / "data"), DBUS_TEST_DAEMON_ADDRESS=address)


def tests_of(program):
    done = subprocess.run([TESTS / program, "-l"], capture_output=True, text=True, env=environment("none:"), check=True)
    names = [line for line in done.stdout.splitlines() if line.startswith("/")]
    if not names:
        raise Failure(f"{program} lists no tests")
    return names


def outcome(program, test, address):
    """What TAP says: "ok", "not ok" or "skipped"; else how it ended, with its last words."""
    try:
        done = subprocess.run([TESTS / program, "--tap", "-p", test], capture_output=True, text=True,
                              env=environment(address), timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return "hangs"
    for line in done.stdout.splitlines():
        if line.startswith(("ok ", "not ok ")) and test in line:
            if "# SKIP" in line:
                return "skipped"
            return "ok" if line.startswith("ok ") and done.returncode == 0 else "not ok"
    return f"ends with {done.returncode}: " + " ".join(done.stderr.split())


def run_directly(build, program, test):
    with World(build) as world:
        return outcome(program, test, world.address)


def run_through(build, program, test, domain, rules):
    """On a bus of this test's own: programs that go leave later than they say, and monitors see them."""
    with World(build) as world:
        socket = world.directory / "proxy"
        world.start_proxy("rpc-proxy", f"unix:{socket}", rules, domain, options=OPTIONS)
        return outcome(program, test, f"unix:path={socket}")


def verdict(through, differs):
    """What is wrong; None: nothing."""
    if not differs:
        return None if through == "ok" else f"directly ok, but {through}"
    if through == "ok":
        return "it does not differ any more: take it off the list"
    return None if differs[1] in through else f"it differs otherwise: {through}"


def check(build, results):
    direct = {(program, test): run_directly(build, program, test)
              for program in (DAEMON, EAVESDROP, MONITOR) for test in tests_of(program)}
    skipped = [f"{program} {test}" for (program, test), result in direct.items() if result == "skipped"]
    print(f"{len(skipped)} of the reference implementation's tests skip themselves on a bus that they did not start: "
          + ", ".join(skipped))
    for (program, test), result in direct.items():
        if result not in ("ok", "skipped"):
            results.add(f"{program} {test}, directly", result)
    for who, domain, rules, programs, differ in WAYS:
        for program, test in set(differ) - set(direct):
            results.add(f"{program} {test} as {who}", "it is on the list, but not there")
        for (program, test), result in direct.items():
            if result != "ok" or program not in programs:
                continue
            differs = differ.get((program, test))
            what = f"{program} {test} as {who}" + (f" differs: {differs[0]}" if differs else "")
            results.add(what, verdict(run_through(build, program, test, domain, rules), differs))
