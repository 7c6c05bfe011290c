#!/usr/bin/env python3
"""Write servo bus requests with other people's encoders: PyPI dynamixel-sdk and feetech-servo-sdk.

  servo-bus-requests.py < REQUESTS > FRAMES

Reads one JSON object per line, for example
  {"protocol": "dynamixel2", "operation": "write", "id": 1, "address": 116, "bytes": [0, 8, 0, 0]}
  {"protocol": "feetech", "operation": "sync_read", "ids": [1, 2], "address": 56, "count": 8}
and prints, line by line, what the peer puts on the wire, in hex. Exit status 0 = all written, 2 = a package is missing
or a request is not understood.
"""
import json
import sys

try:
    import dynamixel_sdk
    import scservo_sdk
except ImportError as error:
    sys.exit(f"servo-bus-requests: {error}; pip install dynamixel-sdk feetech-servo-sdk")


class Wire:
    """A port that keeps what is written and never answers."""

    def __init__(self):
        self.is_using = False
        self.written = bytearray()

    def clearPort(self):
        pass

    def writePort(self, packet):
        self.written += bytes(packet)
        return len(packet)

    def readPort(self, _length):
        return []

    def getBytesAvailable(self):
        return 0

    def isPacketTimeout(self):
        return True

    def setPacketTimeout(self, _length):
        pass

    def setPacketTimeoutMillis(self, _milliseconds):
        pass

    def getBaudRate(self):
        return 1_000_000


HANDLERS = {
    "dynamixel1": (dynamixel_sdk, dynamixel_sdk.PacketHandler(1.0)),
    "dynamixel2": (dynamixel_sdk, dynamixel_sdk.PacketHandler(2.0)),
    "feetech": (scservo_sdk, scservo_sdk.PacketHandler(0)),
}


def write(request):
    package, handler = HANDLERS[request["protocol"]]
    wire = Wire()
    operation = request["operation"]
    address, data = request.get("address", 0), request.get("bytes", [])
    identifier, count = request.get("id", 0), request.get("count", 0)
    if operation == "ping":
        handler.ping(wire, identifier)
    elif operation == "action":
        handler.action(wire, identifier)
    elif operation == "reboot":
        handler.reboot(wire, identifier)
    elif operation == "factory_reset":
        handler.factoryReset(wire, identifier, request["option"])
    elif operation == "clear_turns":
        handler.clearMultiTurn(wire, identifier)
    elif operation == "read":
        handler.readTx(wire, identifier, address, count)
    elif operation == "write":
        handler.writeTxOnly(wire, identifier, address, len(data), list(data))
    elif operation == "registered_write":
        handler.regWriteTxOnly(wire, identifier, address, len(data), list(data))
    elif operation == "sync_read":
        group = package.GroupSyncRead(wire, handler, address, count)
        for servo in request["ids"]:
            group.addParam(servo)
        group.txPacket()
    elif operation == "fast_sync_read":
        parameters = list(request["ids"])
        handler.syncReadTx(wire, address, count, parameters, len(parameters), True)
    elif operation == "sync_write":
        group = package.GroupSyncWrite(wire, handler, address, count)
        for index, servo in enumerate(request["ids"]):
            group.addParam(servo, list(data[index * count:(index + 1) * count]))
        group.txPacket()
    elif operation == "bulk_read" and request["protocol"] == "dynamixel1":
        # The package's own group passes one argument too many to this protocol's handler.
        parameters = [number for servo, start, length in request["items"] for number in (length, servo, start)]
        handler.bulkReadTx(wire, parameters, len(parameters))
    elif operation == "fast_bulk_read":
        parameters = []
        for servo, start, length in request["items"]:
            parameters += [servo, *start.to_bytes(2, "little"), *length.to_bytes(2, "little")]
        handler.bulkReadTx(wire, parameters, len(parameters), True)
    elif operation == "bulk_write":
        group = package.GroupBulkWrite(wire, handler)
        position = 0
        for servo, start, length in request["items"]:
            group.addParam(servo, start, length, list(data[position:position + length]))
            position += length
        group.txPacket()
    elif operation == "bulk_read":
        group = package.GroupBulkRead(wire, handler)
        for servo, start, length in request["items"]:
            group.addParam(servo, start, length)
        group.txPacket()
    else:
        sys.exit(2)
    return wire.written


for line in sys.stdin:
    print(write(json.loads(line)).hex())
