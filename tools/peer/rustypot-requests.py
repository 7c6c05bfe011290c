#!/usr/bin/env python3
"""Write servo bus requests with rustypot's encoder, which PyPI has as rustypot.

  rustypot-requests.py < REQUESTS > FRAMES

Reads one JSON object per line, for example
  {"protocol": "dynamixel2", "operation": "write", "id": 1, "address": 116, "bytes": [0, 8, 0, 0]}
  {"protocol": "feetech", "operation": "sync_read", "ids": [1, 2], "address": 56, "count": 8}
and prints, line by line, what rustypot puts on the wire, in hex: it talks to a pseudo-terminal at which nobody answers.
Exit status 0 = all written, 2 = rustypot is missing or a request is not understood.
"""
import json
import os
import pty
import select
import sys
import tty

try:
    import rustypot
except ImportError as error:
    sys.exit(f"rustypot-requests: {error}; pip install rustypot")

CONTROLLERS = {
    "dynamixel1": "AxPyController",
    "dynamixel2": "Xl330PyController",
    "feetech": "Sts3215PyController",
    "feetech-scs": "Scs0009PyController",
}


class Wire:
    """A controller at one end of a pseudo-terminal, and what it wrote at the other."""

    def __init__(self, protocol):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.controller = getattr(rustypot, CONTROLLERS[protocol])(os.ttyname(slave), 1_000_000, 0.005)
        self.slave = slave

    def written(self, call):
        try:
            call(self.controller)
        except Exception:  # nobody answers
            pass
        data = b""
        while select.select([self.master], [], [], 0)[0]:
            data += os.read(self.master, 4096)
        return first_frame(data)


def first_frame(data):
    """What was written may be there several times: rustypot tries again."""
    if data[:4] == b"\xff\xff\xfd\x00":
        return data[: 7 + data[5] + 256 * data[6]]
    return data[: 4 + data[3]] if len(data) > 3 else data


def call(request):
    operation = request["operation"]
    identifier, ids = request.get("id", 0), request.get("ids", [])
    address, count, data = request.get("address", 0), request.get("count", 0), bytes(request.get("bytes", []))
    if operation == "ping":
        return lambda controller: controller.ping(identifier)
    if operation == "reboot":
        return lambda controller: controller.reboot(identifier)
    if operation == "read":
        return lambda controller: controller.read_raw_data(identifier, address, count)
    if operation == "write":
        return lambda controller: controller.write_raw_data(identifier, address, list(data))
    if operation in ("sync_read", "fast_sync_read"):

        def read(controller):
            if operation == "fast_sync_read":
                controller.set_fast_sync_read(True)
            try:
                controller.sync_read_raw_data(ids, address, count)
            finally:
                if operation == "fast_sync_read":
                    controller.set_fast_sync_read(False)

        return read
    if operation == "sync_write":
        parts = [list(data[index * count : (index + 1) * count]) for index in range(len(ids))]
        return lambda controller: controller.sync_write_raw_data(ids, address, parts)
    sys.exit(2)


wires = {}
for line in sys.stdin:
    request = json.loads(line)
    protocol = request["protocol"]
    if protocol not in wires:
        wires[protocol] = Wire(protocol)
    print(wires[protocol].written(call(request)).hex())
