# SPDX-License-Identifier: Apache-2.0
"""dbus-next, an implementation in Python."""

import asyncio

import common
from dbus_next import Message, MessageType
from dbus_next.aio import MessageBus


async def call_async(address, service):
    bus = await MessageBus(bus_address=address).connect()
    reply = await bus.call(Message(destination=service, path=common.PATH, interface=common.INTERFACE,
                                   member=common.METHOD, signature="s", body=[common.TEXT]))
    return f"error {reply.error_name}" if reply.message_type == MessageType.ERROR else reply.body[0]


async def signal_async(address, ready):
    bus = await MessageBus(bus_address=address).connect()
    got = asyncio.get_running_loop().create_future()

    def happened(message):
        if message.message_type == MessageType.SIGNAL and message.member == common.MEMBER and not got.done():
            got.set_result([message.interface, *message.body])

    bus.add_message_handler(happened)
    reply = await bus.call(Message(destination="org.freedesktop.DBus", path="/org/freedesktop/DBus",
                                   interface="org.freedesktop.DBus", member="AddMatch", signature="s",
                                   body=[common.MATCH]))
    assert reply.message_type == MessageType.METHOD_RETURN, reply.body
    ready()
    return await got


common.main(lambda *arguments: asyncio.run(call_async(*arguments)),
            lambda *arguments: asyncio.run(signal_async(*arguments)))
