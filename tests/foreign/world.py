# SPDX-License-Identifier: Apache-2.0
"""The programs that foreign clients and suites meet: a private dbus-daemon, xen-emulator, the echo service and rpc-proxy, as
processes that end with the world, whose files are in a directory that goes away with it."""

import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile

PATIENCE = 60  # seconds that anything may take before it counts as hanging
DOMAIN = "7"  # that the clients of a guest belong to

BUS_CONFIGURATION = """<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"""


class Failure(Exception):
    """What was to work does not; the text says what."""


class World:
    """Programs of the build in `build` before a bus of their own. A context manager."""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="xenbroker-foreign."))
        self.socket = self.directory / "bus"
        self.address = f"unix:path={self.socket}"
        self._processes = []

    def __enter__(self):
        try:
            self._start_bus()
            self._start("xen-emulator", self.build / "xen/emulated/xen-emulator", "--directory", self._emulator())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.directory)

    def start_echo(self, name):
        """The echo service, as `name` on the bus."""
        service = self.build / "tests/bench/bench_echo_service"
        self._start(f"echo-{name}", service, "--bare", "--bus", self.address, "--name", name)

    def start_domain(self):
        """A domain that runs in the emulator; its number."""
        kernel = self.directory / "kernel"
        kernel.write_text("the emulator runs a program of its own\n")
        self._start("domain", self.build / "tests/foreign/foreign_domain", "--emulator-directory", self._emulator(),
                    "--kernel", kernel)
        return self.messages("domain").splitlines()[-1]

    def start_proxy(self, name, incoming, rules=None, domain=DOMAIN, outgoing=None, options=()):
        """rpc-proxy that takes clients of `domain` in at the channel `incoming`, with `rules` (text); without a domain they are
        of the one that the channel tells: over vchan that of the hypervisor, else programs of dom0's, to whom none apply. It
        leads to the bus, or to the channel `outgoing`."""
        arguments = ["-i", incoming, "-o", outgoing or f"unix:{self.socket}", "--hypervisor", "emulated",
                     "--emulator-directory", self._emulator(), "--no-vm-rules", *options]
        if domain is not None:
            arguments += ["-d", domain]
        if rules is not None:
            file = self.directory / f"{name}.rules"
            file.write_text(rules)
            arguments += ["-r", file]
        self._start(name, self.build / "rpc-proxy/rpc-proxy", *arguments)

    def messages(self, name):
        """What that program has logged."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def _emulator(self):
        return self.directory / "emulator"

    def _start_bus(self):
        configuration = self.directory / "bus.conf"
        configuration.write_text(BUS_CONFIGURATION.format(socket=self.socket))
        with open(self.directory / "bus.log", "wb") as log:
            bus = subprocess.Popen(["dbus-daemon", "--nofork", "--systemd-activation", "--print-address",
                                    f"--config-file={configuration}"], stdout=subprocess.PIPE, stderr=log)
        self._processes.append(bus)
        if not bus.stdout.readline():  # the address, once it takes connections
            raise Failure("dbus-daemon does not start: " + self.messages("bus"))

    def _start(self, name, program, *arguments):
        """Returns when the program says that it is ready."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, \
                open(self.directory / f"{name}.log", "wb") as log:
            ready.bind(str(self.directory / f"{name}.ready"))
            process = subprocess.Popen([program, *arguments, "--log-to", "stderr"], stdout=log, stderr=log,
                                       env=dict(os.environ, NOTIFY_SOCKET=str(self.directory / f"{name}.ready")))
            self._processes.append(process)
            ended = os.pidfd_open(process.pid)
            try:
                happened, _, _ = select.select([ready, ended], [], [], PATIENCE)
            finally:
                os.close(ended)
            if ready not in happened or b"READY=1" not in ready.recv(4096):
                raise Failure(f"{name} does not start: {self.messages(name)}")


def free_port():
    """A TCP port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
