# SPDX-License-Identifier: Apache-2.0
"""What every client does, and how it says what came of it. A client is run as `CLIENT.py ADDRESS CHECK` and prints one line:

call     the text that the echo service returned
denied   the name of the error that a call came to which the rules do not allow
signal   the interface and the text of the first signal MEMBER it gets; before, the line "ready" when it has subscribed"""

import sys

SERVICE = "org.xenbroker.bench.allowed"
DENIED_SERVICE = "org.xenbroker.bench.denied"
PATH = "/"
INTERFACE = "org.xenbroker.bench"
METHOD = "echo"
TEXT = "Grüße from a foreign client"
MEMBER = "happened"
MATCH = f"type='signal',member='{MEMBER}'"
PATIENCE = 60  # seconds


def main(call, signal):
    """`call(address, service)` returns the answer to METHOD with TEXT, or "error NAME"; `signal(address, ready)` calls
    ready() once it has subscribed, and returns interface and text."""
    address, check = sys.argv[1:]
    if check == "signal":
        print(*signal(address, lambda: print("ready", flush=True)))
    else:
        print(call(address, SERVICE if check == "call" else DENIED_SERVICE))
