# SPDX-License-Identifier: Apache-2.0
"""sd-bus of systemd, called by its C interface (sd-bus(3)). It sends its whole handshake at once."""

import ctypes

import common

library = ctypes.CDLL("libsystemd.so.0")


class Error(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("message", ctypes.c_char_p), ("need_free", ctypes.c_int)]


def check(result):
    if result < 0:
        raise OSError(-result, "sd-bus")
    return result


def connect(address):
    bus = ctypes.c_void_p()
    check(library.sd_bus_new(ctypes.byref(bus)))
    check(library.sd_bus_set_address(bus, address.encode()))
    check(library.sd_bus_set_bus_client(bus, 1))
    check(library.sd_bus_start(bus))
    return bus


def text_of(message):
    text = ctypes.c_char_p()
    check(library.sd_bus_message_read(message, b"s", ctypes.byref(text)))
    return text.value.decode()


def call(address, service):
    bus, reply, error = connect(address), ctypes.c_void_p(), Error()
    result = library.sd_bus_call_method(bus, service.encode(), common.PATH.encode(), common.INTERFACE.encode(),
                                        common.METHOD.encode(), ctypes.byref(error), ctypes.byref(reply), b"s",
                                        common.TEXT.encode())
    if result < 0 and error.name:
        return f"error {error.name.decode()}"
    check(result)
    return text_of(reply)


def signal(address, ready):
    bus = connect(address)
    got = []
    library.sd_bus_message_get_interface.restype = ctypes.c_char_p

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    def happened(message, _, __):
        message = ctypes.c_void_p(message)
        got.extend([library.sd_bus_message_get_interface(message).decode(), text_of(message)])
        return 0

    check(library.sd_bus_add_match(bus, None, common.MATCH.encode(), happened, None))  # waits for the answer
    ready()
    while not got:
        if check(library.sd_bus_process(bus, None)) == 0:
            check(library.sd_bus_wait(bus, ctypes.c_uint64(common.PATIENCE * 1000000)))
    return got[:2]


common.main(call, signal)
