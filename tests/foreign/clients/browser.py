# SPDX-License-Identifier: Apache-2.0
"""A browser, as far as rpc-proxy sees one: JSON in a WebSocket, by python3-websockets. ADDRESS is a ws: address, or
unix:path=FILE."""

import asyncio
import json

import common
import websockets

DRIVER = "org.freedesktop.DBus"


class Browser:
    def __init__(self, socket):
        self._socket = socket
        self._id = 0

    async def call(self, destination, path, interface, method, *arguments):
        """The response or error."""
        self._id += 1
        await self._socket.send(json.dumps({"id": self._id, "destination": destination, "path": path,
                                            "interface": interface, "method": method, "args": arguments}))
        while True:
            message = await self.receive()
            if message.get("response-to") == str(self._id):
                return message

    async def receive(self):
        return json.loads(await asyncio.wait_for(self._socket.recv(), common.PATIENCE))

    async def driver(self, method, *arguments):
        reply = await self.call(DRIVER, "/org/freedesktop/DBus", DRIVER, method, *arguments)
        assert reply["type"] == "response", reply


def connect(address):
    if address.startswith("unix:path="):
        return websockets.unix_connect(address.removeprefix("unix:path="), uri="ws://localhost/",
                                       origin="http://localhost")
    return websockets.connect(address, origin="http://localhost")


async def call_async(address, service):
    async with connect(address) as socket:
        browser = Browser(socket)
        await browser.driver("Hello")
        reply = await browser.call(service, common.PATH, common.INTERFACE, common.METHOD, common.TEXT)
        return f"error {reply['name']}" if reply["type"] == "error" else reply["args"][0]


async def signal_async(address, ready):
    async with connect(address) as socket:
        browser = Browser(socket)
        await browser.driver("Hello")
        await browser.driver("AddMatch", common.MATCH)
        ready()
        while True:
            message = await browser.receive()
            if message["type"] == "signal" and message["member"] == common.MEMBER:
                return [message["interface"], *message["args"]]


common.main(lambda *arguments: asyncio.run(call_async(*arguments)),
            lambda *arguments: asyncio.run(signal_async(*arguments)))
