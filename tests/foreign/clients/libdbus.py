# SPDX-License-Identifier: Apache-2.0
"""libdbus, the reference implementation, by python3-dbus."""

import common
import dbus
import dbus.bus
import dbus.mainloop.glib
from gi.repository import GLib


def call(address, service):
    bus = dbus.bus.BusConnection(address)
    try:
        return bus.call_blocking(service, common.PATH, common.INTERFACE, common.METHOD, "s", [common.TEXT],
                                 timeout=common.PATIENCE)
    except dbus.DBusException as error:
        return f"error {error.get_dbus_name()}"


def signal(address, ready):
    bus = dbus.bus.BusConnection(address, mainloop=dbus.mainloop.glib.DBusGMainLoop())
    loop = GLib.MainLoop()
    got = []

    def happened(connection, message):
        if message.get_type() == 4 and message.get_member() == common.MEMBER:
            got.extend([message.get_interface(), *message.get_args_list()])
            loop.quit()

    bus.add_message_filter(happened)
    bus.add_match_string(common.MATCH)  # waits for the answer
    ready()
    loop.run()
    return got


common.main(call, signal)
