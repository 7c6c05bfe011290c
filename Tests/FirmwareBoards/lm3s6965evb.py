"""An EK-LM3S6965 with our firmware in QEMU, moved forward by commands on standard input, in emulated time only.

The same commands and answers as of `atmega328p.c`:

    send HEX      puts bytes on the line, at the bit rate that the firmware has set, from now on
    estop open|closed
    reset         presses the reset button for a moment
    hang          the firmware stops where it is, for ever
    run MICROSECONDS

How emulated time is kept: QEMU counts instructions (32 ns each), and stops whenever the firmware is about to sleep. From there
its clock goes straight to the next millisecond, when the firmware's timer wakes it. At such a stop the processor's cycle
counter (SysTick at 50 MHz) says how late it is, bytes are put into the UART, and what the firmware did to the pins since is
looked at. So pins are known to the millisecond, and at most 16 bytes, which the UART has room for, come in each: enough for
115,200 bit/s, at which the firmware should be built. What the board sends takes no time; QEMU's UARTs do not pace.

How pins are seen: QEMU models the ports, and traces their outputs. It has no model of the PWM unit, but logs what is written to
its registers; the unit's generators are modelled here from the data sheet (counting down, comparators that count from the next
frame on).

Usage: lm3s6965evb.py FIRMWARE.elf
"""
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

CHANNELS = 6
CYCLES_PER_US = 50
SYSTICK_VALUE, SYSTICK_CONTROL, RCC, UART = 0xE000E018, 0xE000E010, 0x400FE060, 0x4000C000
NO_PULSE_US = 40_000
ANSWER_SECONDS = 60  # of the host's time, on a busy machine


class Failed(Exception):
    pass


def connect(path, process):
    """A socket that QEMU listens on, once it does."""
    for _ in range(ANSWER_SECONDS * 20):
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(path)
            return link
        except OSError:
            link.close()
            if process.poll() is not None:
                raise Failed("QEMU ended")
            time.sleep(0.05)
    raise Failed(f"QEMU does not listen on {path}")


class Debugger:
    """The few packets of the GDB remote protocol that are needed."""

    def __init__(self, link):
        self.link, self.buffer = link, b""
        link.settimeout(ANSWER_SECONDS)
        self.ask("QStartNoAckMode")
        self.link.send(b"+")

    def put(self, text):
        self.link.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())

    def get(self):
        while True:
            match = re.search(rb"\$([^#]*)#..", self.buffer)
            if match:
                self.buffer = self.buffer[match.end():]
                return match.group(1).decode()
            received = self.link.recv(4096)
            if not received:
                raise Failed("QEMU ended")
            self.buffer += received

    def ask(self, text):
        self.put(text)
        return self.get()

    def word(self, address):
        return int.from_bytes(bytes.fromhex(self.ask(f"m{address:x},4")), "little")

    def until_stop(self, how):
        answer = self.ask(how)
        while answer[:1] not in "TS":
            answer = self.get()

    def monitor(self, command):
        answer = self.ask("qRcmd," + command.encode().hex())
        while answer != "OK":
            answer = self.get()


class PWM:
    """Three generators of two outputs each, from what was written to their registers."""

    def __init__(self):
        self.registers = {}
        self.frames = [None] * 3  # when each generator's frame began; None: it does not run
        self.latched = [(0, 0, 0)] * 3  # load and comparators that count in this frame
        self.pulse_us, self.ended_us, self.fell = [0.0] * CHANNELS, [None] * CHANNELS, [True] * CHANNELS

    def write(self, offset, value, now_us):
        self.registers[offset] = value
        if offset == 0x004:  # PWMSYNC: the counters start anew
            for generator in range(3):
                if value >> generator & 1 and self.frames[generator] is not None:
                    self.begin_frame(generator, now_us)
        for generator in range(3):
            if offset == 0x040 + 0x40 * generator:
                self.frames[generator] = None
                if value & 1:
                    self.begin_frame(generator, now_us)

    def begin_frame(self, generator, now_us):
        self.frames[generator] = now_us
        base = 0x040 + 0x40 * generator
        self.latched[generator] = tuple(self.registers.get(base + offset, 0) for offset in (0x10, 0x18, 0x1C))
        for output in (2 * generator, 2 * generator + 1):
            self.fell[output] = False

    def advance(self, now_us, counts_per_us):
        for generator in range(3):
            while self.frames[generator] is not None:
                load, *comparators = self.latched[generator]
                for side in range(2):
                    self.advance_output(2 * generator + side, load, comparators[side], now_us, counts_per_us)
                period_us = (load + 1) / counts_per_us
                if load == 0 or now_us < self.frames[generator] + period_us:
                    break
                self.begin_frame(generator, self.frames[generator] + period_us)

    def advance_output(self, output, load, comparator, now_us, counts_per_us):
        action = self.registers.get((0x060 if output % 2 == 0 else 0x064) + 0x40 * (output // 2), 0)
        if action != (0x08C if output % 2 == 0 else 0x80C):  # one at the load value, zero at the comparator on the way down
            return
        width_us = (load - comparator) / counts_per_us
        if self.fell[output] or now_us < self.frames[output // 2] + width_us:
            return
        self.fell[output] = True
        if self.registers.get(0x008, 0) >> output & 1:
            self.pulse_us[output], self.ended_us[output] = width_us, self.frames[output // 2] + width_us

    def pulse(self, output, now_us):
        ended = self.ended_us[output]
        return 0.0 if ended is None or now_us - ended > NO_PULSE_US else self.pulse_us[output]


class Board:
    def __init__(self, firmware):
        self.scratch = tempfile.mkdtemp()
        self.log_path = self.scratch + "/log"
        os.mkfifo(self.log_path)
        self.log = os.open(self.log_path, os.O_RDWR | os.O_NONBLOCK)
        self.log_rest = b""
        paths = {name: f"{self.scratch}/{name}" for name in ("line", "debugger", "pins")}
        self.process = subprocess.Popen(
            ["qemu-system-arm", "-M", "lm3s6965evb", "-accel", "tcg", "-icount", "shift=5,sleep=off", "-nodefaults", "-nic", "none",
             "-display", "none", "-monitor", "none", "-kernel", firmware, "-S",
             "-chardev", f"socket,id=line,path={paths['line']},server=on,wait=off", "-serial", "chardev:line",
             "-chardev", f"socket,id=debugger,path={paths['debugger']},server=on,wait=off", "-gdb", "chardev:debugger",
             "-qtest", f"unix:{paths['pins']},server=on,wait=off", "-qtest-log", "/dev/null",
             "-d", "unimp,trace:pl061_set_output,trace:pl061_reset", "-D", self.log_path],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.line = connect(paths["line"], self.process)
        self.line.setblocking(False)
        self.debugger = Debugger(connect(paths["debugger"], self.process))
        self.pins = connect(paths["pins"], self.process)
        self.now_us, self.ticks = 0.0, None
        self.pwm, self.port_c, self.outputs, self.estop_is_open = PWM(), None, {}, False
        self.rail, self.pending, self.heard, self.next_byte_us = False, b"", b"", 0.0
        self.sleep_address, self.hang_address = (symbol(firmware, name) for name in ("wait_for_interrupt", "hang"))
        self.debugger.ask(f"Z0,{self.sleep_address:x},2")

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.scratch)

    def counts_per_us(self):
        return 3.125 if self.rcc >> 17 & 7 == 3 else 1.5625

    def advance(self):
        """To the next time that the firmware goes to sleep."""
        self.debugger.until_stop("s")  # off the place where it stopped
        self.debugger.until_stop("c")
        ticks = self.debugger.word(SYSTICK_VALUE)
        passed = (0xFFFFFF if self.ticks is None else self.ticks) - ticks
        self.now_us += passed % 0x1000000 / CYCLES_PER_US
        if self.ticks is None:
            self.check_clock()
        self.ticks = ticks
        self.read_log()
        self.pwm.advance(self.now_us, self.counts_per_us())
        self.hear()

    def check_clock(self):
        """What is taken for a microsecond here is one on the chip: 8 MHz crystal, PLL, 200 MHz / 4, counted by SysTick."""
        self.rcc = self.debugger.word(RCC)
        expected = {0xF << 23: 3 << 23, 1 << 22: 1 << 22, 1 << 13: 0, 1 << 11: 0, 0xF << 6: 0xE << 6, 3 << 4: 0, 1 << 20: 1 << 20}
        if any(self.rcc & mask != value for mask, value in expected.items()) or self.debugger.word(SYSTICK_CONTROL) & 7 != 5:
            raise Failed(f"the clock is not 50 MHz: RCC {self.rcc:08x}")
        whole, fraction = self.debugger.word(UART + 0x24), self.debugger.word(UART + 0x28)
        self.us_per_byte = 10 * 16 * (whole + fraction / 64) / CYCLES_PER_US

    def read_log(self):
        try:
            self.log_rest += os.read(self.log, 1 << 16)
        except BlockingIOError:
            pass
        *lines, self.log_rest = self.log_rest.split(b"\n")
        for line in lines:
            words = line.decode().split()
            if words[:1] == ["PWM:"] and words[3] == "write":
                offset, value = (int(re.search(name + r" (0x[0-9a-f]+)", line.decode()).group(1), 16) for name in ("offset", "value"))
                self.rcc = self.debugger.word(RCC)
                self.pwm.write(offset, value, self.now_us)
            elif words[:1] == ["pl061_set_output"]:
                # Port C is the one whose fifth line is pulled up: the e-stop's.
                if words[-3:] == ["5", "to", "1"] and self.port_c is None:
                    self.port_c = words[1]
                if words[1] == self.port_c:
                    self.outputs[int(words[-3])] = words[-1] == "1"
                    self.tell_rail()
            elif words[:2] == ["pl061_reset", self.port_c]:
                self.forget_pins()

    def tell_rail(self):
        if self.rail != self.outputs.get(6, False):
            self.rail = not self.rail
            print(f"rail {self.now_us:.0f} {int(self.rail)}")

    def forget_pins(self):
        """In reset all pins float, and the resistors outside pull them low."""
        self.pwm, self.ticks, self.outputs = PWM(), None, {}
        self.tell_rail()
        self.wire_estop()

    def wire_estop(self):
        self.pins.sendall(f"set_irq_in {self.port_c} unnamed-gpio-in 5 {int(self.estop_is_open)}\n".encode())
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self.pins.recv(100)
        if not answer.startswith(b"OK"):
            raise Failed(f"QEMU does not move the e-stop's pin: {answer.decode()}")

    def hear(self):
        try:
            self.heard += self.line.recv(1 << 16)
        except BlockingIOError:
            return
        *frames, self.heard = self.heard.split(b"\0")
        for frame in frames:
            print(f"frame {self.now_us:.0f} {frame.hex()}00")

    def give_bytes(self):
        """Puts the bytes into the UART, which has room for 16, that come until the next stop, hence up to 1 ms early."""
        count = 0
        while count < min(16, len(self.pending)) and self.next_byte_us + count * self.us_per_byte <= self.now_us + 1000:
            count += 1
        if count == 0 or not self.debugger.word(UART + 0x18) & 1 << 4:
            return
        self.line.sendall(self.pending[:count])
        self.pending = self.pending[count:]
        self.next_byte_us += count * self.us_per_byte
        while self.debugger.word(UART + 0x18) & 1 << 4:  # RXFE: QEMU has not taken them yet
            pass

    def run(self, microseconds):
        end = self.now_us + microseconds
        while self.now_us < end:
            if self.ticks is not None:
                self.give_bytes()
            self.advance()
        pulses = " ".join(f"{self.pwm.pulse(i, self.now_us):.2f}" for i in range(CHANNELS))
        print(f"now {self.now_us:.0f} rail {int(self.rail)} light {int(self.outputs.get(4, False))} pulses {pulses}", flush=True)

    def send(self, data):
        if not self.pending:
            self.next_byte_us = self.now_us + (self.us_per_byte if self.ticks is not None else 0)
        self.pending += data

    def obey(self, command):
        words = command.split()
        if words[0] == "send":
            self.send(bytes.fromhex(words[1]))
        elif words[0] == "run":
            self.run(int(words[1]))
        elif words[0] == "estop":
            self.estop_is_open = words[1] == "open"
            self.wire_estop()
        elif words[0] == "reset":
            self.debugger.monitor("system_reset")
            self.read_log()
            self.forget_pins()
        elif words[0] == "hang":
            registers = self.debugger.ask("g")  # 15 of 8 digits, then the program counter
            if self.debugger.ask(f"G{registers[:120]}{self.hang_address.to_bytes(4, 'little').hex()}{registers[128:]}") != "OK":
                raise Failed("QEMU does not set the program counter")
        else:
            raise Failed(f"unknown command: {command}")


def symbol(path, name):
    """The address of a function in the firmware."""
    for line in subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout.splitlines():
        if line.split()[-1] == name:
            return int(line.split()[0], 16) & ~1
    raise Failed(f"{path} has no {name}")


def main():
    if len(sys.argv) != 2:
        print("Usage: lm3s6965evb.py FIRMWARE.elf", file=sys.stderr)
        return 2
    board = Board(sys.argv[1])
    try:
        for line in sys.stdin:
            board.obey(line.strip())
    except Failed as failure:
        print(f"lm3s6965evb: {failure}", file=sys.stderr)
        return 1
    finally:
        board.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
