"""An EK-LM3S6965 with our firmware in QEMU, in step with real time, whose UART is a pseudo-terminal or a Unix socket.

tools/emulated-board builds and runs it, and says how it is used. Options and lines as of live.c. Bytes to the board are paced
at its bit rate; QEMU's UART does not pace what it sends. Times are the host's.
"""
import getopt
import os
import select
import signal
import socket
import sys
import time
import tty

sys.dont_write_bytecode = True
from lm3s6965evb_emulator import Emulator, Failed  # noqa: E402

UART = 0x4000C000
CHUNK = 64


class Line:
    """The host's end of the line."""

    def __init__(self, tell, pty_path, socket_path):
        self.tell, self.pty_path, self.socket_path = tell, pty_path, socket_path
        self.end = self.listener = None
        self.was_open = False

    def plug(self, bit_rate):
        if self.end or self.listener:
            return
        if self.socket_path:
            if os.path.exists(self.socket_path):
                os.unlink(self.socket_path)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.socket_path)
            self.listener.listen(1)
            self.listener.setblocking(False)
            name = self.socket_path
        else:
            self.end, other_end = os.openpty()
            # Raw before anybody opens it, or the kernel would echo the board's first bytes back to it.
            tty.setraw(other_end)
            name = os.ttyname(other_end)
            os.close(other_end)
            os.set_blocking(self.end, False)
            if self.pty_path:
                if os.path.islink(self.pty_path):
                    os.unlink(self.pty_path)
                os.symlink(name, self.pty_path)
                name = self.pty_path
        self.tell(f"ready {name} at {bit_rate:.0f} bit/s")

    def unplug(self):
        if self.end is not None:
            os.close(self.end)
        if self.listener:
            self.listener.close()
        for path in (self.pty_path, self.socket_path):
            if path and (self.end is not None or self.listener) and os.path.lexists(path):
                os.unlink(path)
        self.end = self.listener = None

    def notice_host(self):
        """True when a host has just opened the line."""
        if self.listener and self.end is None:
            try:
                self.end = os.dup(self.listener.accept()[0].fileno())
                os.set_blocking(self.end, False)
            except BlockingIOError:
                pass
        is_open = False
        if self.end is not None:
            poll = select.poll()
            poll.register(self.end, 0)
            is_open = self.socket_path is not None or not any(e & select.POLLHUP for _, e in poll.poll(0))
        if is_open != self.was_open:
            self.was_open = is_open
            words = ("connected", "disconnected") if self.socket_path else ("opened", "closed")
            self.tell(words[0] if is_open else words[1])
            return is_open
        return False

    def read(self, count):
        try:
            data = os.read(self.end, count) if self.end is not None else b""
            if not data and self.socket_path and self.end is not None:
                os.close(self.end)
                self.end = None
            return data
        except OSError:  # nobody there, or nothing to read
            return b""

    def write(self, data):
        try:
            if self.was_open:
                os.write(self.end, data)
        except OSError:  # what nobody hears is gone, as on a wire
            pass


class Board:
    def __init__(self, firmware, options):
        self.trace = open(options["-t"], "w", buffering=1) if "-t" in options else None
        self.resets_on_open, self.stays = "-r" in options, "-k" in options
        self.seconds = float(options.get("-n", 0))
        # Counting instructions, QEMU's clock does not run while the firmware is kept from running by a busy machine, and so its
        # watchdog does not bite. Aligned, it waits for the time of day where a quick machine would run ahead of it.
        self.emulator = Emulator(
            firmware, "-icount", "shift=5,sleep=on,align=on", "-qmp", "unix:@control,server=on,wait=off")
        self.control = self.emulator.connect("control")
        self.control.sendall(b'{"execute":"qmp_capabilities"}\n')
        self.control.setblocking(False)
        self.began = time.monotonic()
        self.line = Line(self.tell, options.get("-p"), options.get("-s"))
        self.budget, self.commands, self.is_over, self.traced = 0.0, b"", False, set()
        self.emulator.on_rail = lambda is_on: self.tell(f"rail {int(is_on)}")
        self.emulator.on_light = lambda is_on: self.note(f"light {int(is_on)}")
        self.emulator.on_pulse = self.note_pulse
        self.follow_time()
        divisor = 0
        while self.emulator.port_c is None or divisor == 0:  # until the firmware has set its pins and the UART up
            time.sleep(0.01)
            self.follow_time()
            whole, fraction = (int(self.emulator.ask_pins(f"readl {UART + at:#x}").split()[1], 16) for at in (0x24, 0x28))
            divisor = whole + fraction / 64
        self.bit_rate = 50e6 / 16 / divisor

    def note(self, text):
        if self.trace:
            self.trace.write(f"{self.emulator.now_us:.0f} {text}\n")

    def tell(self, text):
        print(f"{self.emulator.now_us:.0f} {text}", flush=True)
        self.note(text)

    def note_pulse(self, channel, width_us):
        self.traced.add(channel)
        self.note(f"pulse {channel} {width_us:.2f}")

    def follow_time(self):
        passed = (time.monotonic() - self.began) * 1e6 - self.emulator.now_us
        self.emulator.now_us += passed
        self.emulator.watch_pins()
        for channel in [c for c in self.traced if self.emulator.pwm.pulse(c, self.emulator.now_us) == 0]:
            self.traced.remove(channel)
            self.note(f"pulse {channel} off")
        return passed

    def reset(self):
        self.control.sendall(b'{"execute":"system_reset"}\n')
        time.sleep(0.01)
        self.emulator.watch_pins()
        self.emulator.forget_pins()

    def obey(self, command):
        if command == "pins":
            emulator = self.emulator
            self.tell(f"pins rail {int(emulator.rail)} light {int(emulator.light)} "
                      f"estop {'open' if emulator.estop_is_open else 'closed'} pulses {emulator.pulses()}")
        elif command in ("estop open", "estop closed"):
            self.emulator.wire_estop(command == "estop open")
            self.tell(command)
        elif command == "reset":
            self.reset()
            self.tell("reset")
        elif command == "unplug":
            self.line.unplug()
            self.tell("unplug")
        elif command == "plug":
            self.line.plug(self.bit_rate)
        elif command == "end":
            self.is_over, self.stays = True, False
        else:
            self.tell(f"unknown command: {command}")

    def take_commands(self):
        while not self.is_over and select.select([sys.stdin], [], [], 0)[0]:
            data = os.read(sys.stdin.fileno(), 4096)
            self.is_over = not data
            *lines, self.commands = (self.commands + data).split(b"\n")
            for line in lines:
                self.obey(line.decode(errors="replace"))

    def exchange_bytes(self, passed_us):
        if self.line.notice_host() and self.resets_on_open:
            self.reset()
        self.budget = min(CHUNK, self.budget + passed_us * self.bit_rate / 10e6)
        if self.budget >= 1:
            data = self.line.read(int(self.budget))
            self.budget -= len(data)
            if data:
                self.note(f"heard {len(data)}")
            self.emulator.send(data)
        data = self.emulator.receive()
        if data:
            self.line.write(data)

    def run(self):
        self.line.plug(self.bit_rate)
        while not self.is_over or self.stays:
            if self.seconds and self.emulator.now_us > self.seconds * 1e6:
                break
            waiting = [self.emulator.line, self.emulator.log] + ([] if self.is_over else [sys.stdin])
            waiting += [self.line.end] if self.line.was_open and self.budget >= 1 else []
            select.select(waiting, [], [], 0.001)
            passed = self.follow_time()
            self.take_commands()
            self.exchange_bytes(passed)
            try:
                self.control.recv(4096)  # QEMU's answers, which nobody needs
            except BlockingIOError:
                pass

    def close(self):
        self.line.unplug()
        self.emulator.close()


def main():
    try:
        options, arguments = getopt.getopt(sys.argv[1:], "p:s:t:e:rkn:")
    except getopt.GetoptError as error:
        print(f"emulated-board: {error}", file=sys.stderr)
        return 2
    options = dict(options)
    if len(arguments) != 1 or "-e" in options or ("-p" in options and "-s" in options):
        print("emulated-board: this board keeps nothing, and has one line", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    board = None
    try:
        board = Board(arguments[0], options)
        board.run()
    except Failed as failure:
        print(f"emulated-board: {failure}", file=sys.stderr)
        return 1
    finally:
        if board:
            board.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
