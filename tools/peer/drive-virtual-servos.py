#!/usr/bin/env python3
"""Drives virtual servos with other people's clients and checks what they understand.

Usage: drive-virtual-servos.py PEER PORT

PEER is one of dynamixel-sdk, dynamixel-sdk-1 (Protocol 1.0), feetech-servo-sdk, rustypot-xl330, rustypot-sts3215,
rustypot-ax12a or rustypot-scs0009; PORT a serial port, such as `sinew emulate` prints, with two servos, ids 1 and 2,
fresh from the factory but for 1 Mbit/s and no return delay: xl330-m288, ax-12a, sts3215-7v4 or scs0009. Needs the
packages of tools/test-requirements.txt.

Prints one line per check. Exit code 0 when all hold, 1 at the first that does not, 2 for wrong arguments.
At the end servo 2 has the id 7.
"""

import sys
import time


def check(what, found, expected):
    """One check: equality, or a predicate."""
    good = expected(found) if callable(expected) else found == expected
    print(f"{'ok' if good else 'FAILED'}: {what}: {found!r}" + ("" if good or callable(expected) else f", expected {expected!r}"))
    if not good:
        sys.exit(1)


def near(value, tolerance=3):
    return lambda found: abs(found - value) <= tolerance


class Patient:
    """An SDK's packet handler that asks again when no answer came in time: SDKs give up after 35 ms, which a busy machine
    takes now and then. Input left over from late answers, which the SDKs never drop, is dropped."""

    def __init__(self, handler, port):
        self.handler, self.port = handler, port

    def __getattr__(self, name):
        method = getattr(self.handler, name)
        return lambda *arguments: patiently(lambda: method(*arguments), self.port)


def patiently(call, port):
    for attempt in range(5):
        try:
            answer = call()
        except IndexError:  # what the SDKs make of a short answer
            answer = -1
        code = answer if not isinstance(answer, tuple) else answer[-2] if isinstance(answer[-2], int) else answer[-1]
        if code == 0:
            break
        time.sleep(0.1)
        port.ser.reset_input_buffer()
    return answer


def retry(call, seconds=3.0):
    """Calls until it succeeds, as after a reboot."""
    end = time.monotonic() + seconds
    while True:
        try:
            return call()
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def dynamixel_sdk(port_name):
    import dynamixel_sdk as sdk

    port, handler = sdk.PortHandler(port_name), sdk.PacketHandler(2.0)
    packets = Patient(handler, port)
    check("open", port.openPort() and port.setBaudRate(1_000_000), True)
    check("ping 1", packets.ping(port, 1), (1200, 0, 0))
    check("ping 9 stays unanswered", handler.ping(port, 9)[1] != 0, True)
    check("broadcast ping", packets.broadcastPing(port), ({1: [1200, 52], 2: [1200, 52]}, 0))
    check("position", packets.read4ByteTxRx(port, 1, 132), (2048, 0, 0))
    check("baud index", packets.read1ByteTxRx(port, 1, 8), (3, 0, 0))
    for servo in (1, 2):
        check(f"torque on {servo}", packets.write1ByteTxRx(port, servo, 64, 1), (0, 0))
    check("id is locked while torque is on", packets.write1ByteTxRx(port, 2, 7, 7), (0, 7))
    check("goal beyond its limit", packets.write4ByteTxRx(port, 1, 116, 5000), (0, 6))

    write = sdk.GroupSyncWrite(port, handler, 116, 4)
    for servo, goal in ((1, 1500), (2, 2600)):
        write.addParam(servo, list(goal.to_bytes(4, "little")))
    check("sync write", write.txPacket(), 0)
    time.sleep(1)
    read = sdk.GroupSyncRead(port, handler, 126, 10)
    for servo in (1, 2):
        read.addParam(servo)
    check("sync read", patiently(read.txRxPacket, port), 0)
    check("arrived 1", read.getData(1, 132, 4), near(1500))
    check("arrived 2", read.getData(2, 132, 4), near(2600))
    check("fast sync read", patiently(read.fastSyncRead, port), 0)
    check("the same 1", read.getData(1, 132, 4), near(1500))
    check("the same 2", read.getData(2, 132, 4), near(2600))

    bulk = sdk.GroupBulkRead(port, handler)
    bulk.addParam(1, 144, 2)
    bulk.addParam(2, 146, 1)
    check("bulk read", patiently(bulk.txRxPacket, port), 0)
    check("voltage", bulk.getData(1, 144, 2), 50)
    check("temperature", bulk.getData(2, 146, 1), near(25, 5))
    check("fast bulk read", patiently(bulk.fastBulkRead, port), 0)
    check("voltage again", bulk.getData(1, 144, 2), 50)
    bulk = sdk.GroupBulkWrite(port, handler)
    bulk.addParam(1, 65, 1, [1])
    bulk.addParam(2, 112, 4, [100, 0, 0, 0])
    check("bulk write", bulk.txPacket(), 0)
    check("light", packets.read1ByteTxRx(port, 1, 65), (1, 0, 0))
    check("profile velocity", packets.read4ByteTxRx(port, 2, 112), (100, 0, 0))

    check("reg write", packets.regWriteTxRx(port, 1, 116, 4, list((2000).to_bytes(4, "little"))), (0, 0))
    check("not yet", packets.read4ByteTxRx(port, 1, 116), (1500, 0, 0))
    # To all: the SDK does not read the answer that a single servo gives.
    check("action", packets.action(port, 254), 0)
    check("now", packets.read4ByteTxRx(port, 1, 116), (2000, 0, 0))
    check("reboot", packets.reboot(port, 1), (0, 0))
    check("silent while it boots", handler.ping(port, 1)[1] != 0, True)
    retry(lambda: 1 / (handler.ping(port, 1)[1] == 0))
    check("torque off after the reboot", packets.read1ByteTxRx(port, 1, 64), (0, 0, 0))
    check("torque off", packets.write1ByteTxRx(port, 2, 64, 0), (0, 0))
    # Once: asked again, the servo would not hear its old id. A late answer is no failure, the new id is the proof.
    check("new id", handler.write1ByteTxRx(port, 2, 7, 7), lambda found: found[1] == 0)
    check("it answers to it", packets.ping(port, 7), (1200, 0, 0))
    check("and to the old one no more", handler.ping(port, 2)[1] != 0, True)
    port.closePort()


def dynamixel_sdk_1(port_name):
    import dynamixel_sdk as sdk

    port, handler = sdk.PortHandler(port_name), sdk.PacketHandler(1.0)
    packets = Patient(handler, port)
    check("open", port.openPort() and port.setBaudRate(1_000_000), True)
    check("ping 1", packets.ping(port, 1), (12, 0, 0))
    check("position", packets.read2ByteTxRx(port, 1, 36), (512, 0, 0))
    write = sdk.GroupSyncWrite(port, handler, 30, 2)
    for servo, goal in ((1, 300), (2, 700)):
        write.addParam(servo, list(goal.to_bytes(2, "little")))
    check("sync write", write.txPacket(), 0)
    time.sleep(1)
    check("arrived 1", packets.read2ByteTxRx(port, 1, 36)[0], near(300, 1))
    check("arrived 2", packets.read2ByteTxRx(port, 2, 36)[0], near(700, 1))
    check("beyond the range", packets.write2ByteTxRx(port, 1, 30, 2000), (0, 8))
    check("reg write", packets.regWriteTxRx(port, 1, 30, 2, list((400).to_bytes(2, "little"))), (0, 0))
    check("action", packets.action(port, 254), 0)
    check("goal", packets.read2ByteTxRx(port, 1, 30), (400, 0, 0))
    check("new id", handler.write1ByteTxRx(port, 2, 3, 7), lambda found: found[1] == 0)
    check("it answers to it", packets.ping(port, 7), (12, 0, 0))
    port.closePort()


def feetech_servo_sdk(port_name):
    import scservo_sdk as sdk

    port, handler = sdk.PortHandler(port_name), sdk.PacketHandler(0)
    packets = Patient(handler, port)
    check("open", port.openPort() and port.setBaudRate(1_000_000), True)
    check("ping 1", packets.ping(port, 1), (777, 0, 0))
    check("ping 9 stays unanswered", handler.ping(port, 9)[1] != 0, True)
    check("position", packets.read2ByteTxRx(port, 1, 56), (2048, 0, 0))
    for servo in (1, 2):
        check(f"torque on {servo}", packets.write1ByteTxRx(port, servo, 40, 1), (0, 0))
    write = sdk.GroupSyncWrite(port, handler, 42, 2)
    for servo, goal in ((1, 1500), (2, 2600)):
        write.addParam(servo, list(goal.to_bytes(2, "little")))
    check("sync write", write.txPacket(), 0)
    time.sleep(1)
    read = sdk.GroupSyncRead(port, handler, 56, 8)
    for servo in (1, 2):
        read.addParam(servo)
    check("sync read", patiently(read.txRxPacket, port), 0)
    check("arrived 1", read.getData(1, 56, 2), near(1500))
    check("arrived 2", read.getData(2, 56, 2), near(2600))
    check("voltage", read.getData(1, 62, 1), 74)
    check("reg write", packets.regWriteTxRx(port, 1, 42, 2, [208, 7]), (0, 0))
    check("not yet", packets.read2ByteTxRx(port, 1, 42), (1500, 0, 0))
    check("action", packets.action(port, 254), 0)
    check("now", packets.read2ByteTxRx(port, 1, 42), (2000, 0, 0))
    check("torque off", packets.write1ByteTxRx(port, 2, 40, 0), (0, 0))
    check("unlock", packets.write1ByteTxRx(port, 2, 55, 0), (0, 0))
    check("new id", handler.write1ByteTxRx(port, 2, 5, 7), lambda found: found[1] == 0)
    check("lock", packets.write1ByteTxRx(port, 7, 55, 1), (0, 0))
    check("it answers to it", packets.ping(port, 7), (777, 0, 0))
    check("and to the old one no more", handler.ping(port, 2)[1] != 0, True)
    port.closePort()


def rustypot_controller(controller, number):
    """What both of rustypot's controllers do alike; ends with torque off."""
    check("ping 1", controller.ping(1), True)
    check("ping 9 stays unanswered", controller.ping(9), False)
    check("model", controller.read_register(1, "model_number"), lambda value: int(value[0] if isinstance(value, list) else value) == number)
    controller.sync_write_torque_enable([1, 2], [True, True])
    controller.sync_write_goal_position([1, 2], [-0.5, 0.5])
    time.sleep(1)
    check("sync read", controller.sync_read_present_position([1, 2]), lambda found: all(abs(a - b) < 0.01 for a, b in zip(found, (-0.5, 0.5))))
    controller.write_goal_position(1, 0.25)
    time.sleep(0.5)
    check("write and read", controller.read_present_position(1), lambda found: abs((found[0] if isinstance(found, list) else found) - 0.25) < 0.01)


def rustypot_xl330(port_name):
    from rustypot import Xl330PyController

    controller = Xl330PyController(port_name, 1_000_000, 0.2)
    rustypot_controller(controller, 1200)
    controller.set_fast_sync_read(True)
    check("fast sync read", controller.sync_read_present_position([1, 2]), lambda found: all(abs(a - b) < 0.01 for a, b in zip(found, (0.25, 0.5))))
    controller.set_fast_sync_read(False)
    controller.reboot(1)
    check("reboot", retry(lambda: controller.read_raw_torque_enable(1)), lambda found: not (found[0] if isinstance(found, list) else found))
    controller.write_torque_enable(2, False)
    controller.write_id(2, 7)
    check("new id", controller.ping(7), True)


def rustypot_sts3215(port_name):
    from rustypot import Sts3215PyController

    controller = Sts3215PyController(port_name, 1_000_000, 0.2)
    rustypot_controller(controller, 777)
    controller.write_torque_enable(2, False)
    controller.write_raw_lock(2, 0)
    controller.write_id(2, 7)
    controller.write_raw_lock(7, 1)
    check("new id", controller.ping(7), True)


def rustypot_by_address(controller, model, position, goal, torque, identifier, order):
    """Models without sync read: by address, numbers in the model's byte order."""

    def number(servo, address):
        return int.from_bytes(bytes(controller.read_raw_data(servo, address, 2)), order)

    check("ping 1", controller.ping(1), True)
    check("ping 9 stays unanswered", controller.ping(9), False)
    check("model", number(1, model[0]), model[1])
    for servo in (1, 2):
        controller.write_raw_data(servo, torque, [1])
    controller.sync_write_raw_data([1, 2], goal, [list((300).to_bytes(2, order)), list((700).to_bytes(2, order))])
    time.sleep(1)
    check("arrived 1", number(1, position), near(300))
    check("arrived 2", number(2, position), near(700))
    controller.write_raw_data(1, goal, list((400).to_bytes(2, order)))
    time.sleep(0.5)
    check("write and read", number(1, position), near(400))
    controller.write_raw_data(2, torque, [0])
    controller.write_raw_data(2, identifier, [7])
    check("new id", controller.ping(7), True)


def rustypot_ax12a(port_name):
    from rustypot import AxPyController

    controller = AxPyController(port_name, 1_000_000, 0.2)
    rustypot_by_address(controller, (0, 12), 36, 30, 24, 3, "little")


def rustypot_scs0009(port_name):
    from rustypot import Scs0009PyController

    controller = Scs0009PyController(port_name, 1_000_000, 0.2)
    controller.write_raw_data(2, 48, [0])
    rustypot_by_address(controller, (3, 1284), 56, 42, 40, 5, "big")


PEERS = {
    "dynamixel-sdk": dynamixel_sdk,
    "dynamixel-sdk-1": dynamixel_sdk_1,
    "feetech-servo-sdk": feetech_servo_sdk,
    "rustypot-xl330": rustypot_xl330,
    "rustypot-sts3215": rustypot_sts3215,
    "rustypot-ax12a": rustypot_ax12a,
    "rustypot-scs0009": rustypot_scs0009,
}

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in PEERS:
        print(__doc__, file=sys.stderr)
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    PEERS[sys.argv[1]](sys.argv[2])
