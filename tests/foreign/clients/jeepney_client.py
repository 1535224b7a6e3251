# SPDX-License-Identifier: Apache-2.0
"""jeepney, another implementation in Python, with its blocking connection. It knows unix sockets only: over TCP it gets a
socket that is connected."""

import socket

import common
from jeepney import DBusAddress, HeaderFields, MatchRule, MessageType, message_bus, new_method_call
from jeepney.auth import BEGIN, Authenticator
from jeepney.io.blocking import DBusConnection, open_dbus_connection


def connect(address):
    if not address.startswith("tcp:"):
        return open_dbus_connection(address, auth_timeout=common.PATIENCE)
    where = dict(part.split("=") for part in address.removeprefix("tcp:").split(","))
    stream = socket.create_connection((where["host"], where["port"]))
    dialogue = Authenticator()
    for request in dialogue:
        stream.sendall(request)
        dialogue.feed(stream.recv(1024))
    stream.sendall(BEGIN)
    return DBusConnection(stream)


def call(address, service):
    with connect(address) as connection:
        target = DBusAddress(common.PATH, service, common.INTERFACE)
        reply = connection.send_and_get_reply(new_method_call(target, common.METHOD, "s", (common.TEXT,)),
                                              timeout=common.PATIENCE)
        if reply.header.message_type == MessageType.error:
            return f"error {reply.header.fields[HeaderFields.error_name]}"
        return reply.body[0]


def signal(address, ready):
    rule = MatchRule(type="signal", member=common.MEMBER)
    with connect(address) as connection, connection.filter(rule) as happened:
        reply = connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=common.PATIENCE)
        assert reply.header.message_type == MessageType.method_return, reply.body
        ready()
        message = connection.recv_until_filtered(happened, timeout=common.PATIENCE)
        return [message.header.fields[HeaderFields.interface], *message.body]


common.main(call, signal)
