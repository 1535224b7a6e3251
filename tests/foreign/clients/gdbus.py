# SPDX-License-Identifier: Apache-2.0
"""GDBus of GLib, by python3-gi."""

import common
from gi.repository import Gio, GLib


def connect(address):
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    return Gio.DBusConnection.new_for_address_sync(address, flags, None, None)


def call(address, service):
    try:
        reply = connect(address).call_sync(service, common.PATH, common.INTERFACE, common.METHOD,
                                           GLib.Variant("(s)", (common.TEXT,)), GLib.VariantType("(s)"),
                                           Gio.DBusCallFlags.NONE, common.PATIENCE * 1000, None)
        return reply.unpack()[0]
    except GLib.Error as error:
        return f"error {Gio.DBusError.get_remote_error(error)}"


def signal(address, ready):
    bus = connect(address)
    loop = GLib.MainLoop()
    got = []

    def happened(connection, sender, path, interface, member, arguments):
        got.extend([interface, *arguments.unpack()])
        loop.quit()

    bus.signal_subscribe(None, None, common.MEMBER, None, None, Gio.DBusSignalFlags.NONE, happened)
    # AddMatch went out before this, and messages of one connection stay in order.
    bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId", None, None,
                  Gio.DBusCallFlags.NONE, common.PATIENCE * 1000, None)
    ready()
    loop.run()
    return got


common.main(call, signal)
