"""QEMU with an EK-LM3S6965 that runs our firmware, and its pins. Used by the programs beside it.

How pins are seen: QEMU models the ports, and traces their outputs. It has no model of the PWM unit, but logs what is written to
its registers; the unit's generators are modelled here from the data sheet (counting down, comparators that count from the next
frame on). The e-stop's wire is moved through QEMU's test interface.
"""
import atexit
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

CHANNELS = 6
RCC = 0x400FE060
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

    def advance(self, now_us, counts_per_us, ended):
        for generator in range(3):
            while self.frames[generator] is not None:
                load, *comparators = self.latched[generator]
                for side in range(2):
                    self.advance_output(2 * generator + side, load, comparators[side], now_us, counts_per_us, ended)
                period_us = (load + 1) / counts_per_us
                if load == 0 or now_us < self.frames[generator] + period_us:
                    break
                self.begin_frame(generator, self.frames[generator] + period_us)

    def advance_output(self, output, load, comparator, now_us, counts_per_us, ended):
        action = self.registers.get((0x060 if output % 2 == 0 else 0x064) + 0x40 * (output // 2), 0)
        if action != (0x08C if output % 2 == 0 else 0x80C):  # one at the load value, zero at the comparator on the way down
            return
        width_us = (load - comparator) / counts_per_us
        if self.fell[output] or now_us < self.frames[output // 2] + width_us:
            return
        self.fell[output] = True
        if self.registers.get(0x008, 0) >> output & 1:
            self.pulse_us[output], self.ended_us[output] = width_us, self.frames[output // 2] + width_us
            ended(output, width_us)

    def pulse(self, output, now_us):
        ended = self.ended_us[output]
        return 0.0 if ended is None or now_us - ended > NO_PULSE_US else self.pulse_us[output]


class Emulator:
    """The processor and its pins. Whoever drives it sets `now_us`, and is told of changes by `on_rail`, `on_light`, `on_pulse`
    and `on_reset`."""

    def __init__(self, firmware, *arguments):
        self.scratch = tempfile.mkdtemp()
        os.mkfifo(self.path("log"))
        self.log, self.log_rest = os.open(self.path("log"), os.O_RDWR | os.O_NONBLOCK), b""
        self.process = subprocess.Popen(
            ["qemu-system-arm", "-M", "lm3s6965evb", "-accel", "tcg", "-nodefaults", "-nic", "none", "-display", "none",
             "-monitor", "none", "-kernel", firmware, "-chardev", self.listening("line"), "-serial", "chardev:line",
             "-qtest", f"unix:{self.path('pins')},server=on,wait=off", "-qtest-log", "/dev/null",
             "-d", "unimp,trace:pl061_set_output,trace:pl061_reset", "-D", self.path("log"),
             *(argument.replace("@", self.scratch + "/") for argument in arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(self.process.kill)  # also when it could not be connected to
        self.line, self.pins = self.connect("line"), self.connect("pins")
        self.line.setblocking(False)
        self.line_rest = b""
        self.now_us, self.rcc = 0.0, 0
        self.pwm, self.port_c, self.outputs, self.estop_is_open = PWM(), None, {}, False
        self.rail = self.light = False
        self.on_rail = self.on_light = self.on_pulse = self.on_reset = lambda *_: None

    def path(self, name):
        return f"{self.scratch}/{name}"

    def listening(self, name):
        return f"socket,id={name},path={self.path(name)},server=on,wait=off"

    def connect(self, name):
        return connect(self.path(name), self.process)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.log)
        shutil.rmtree(self.scratch)

    def take_log(self):
        try:
            self.log_rest += os.read(self.log, 1 << 16)
        except BlockingIOError:
            pass

    def take_line(self):
        try:
            data = self.line.recv(1 << 16)
        except BlockingIOError:
            return
        if not data:
            raise Failed("QEMU ended")
        self.line_rest += data

    def wait(self, to_read=None, to_write=None):
        """Until one of them is ready. The log and the board's bytes are taken in meanwhile: QEMU's processor writes both with
        QEMU's one lock held, and with a full pipe or socket nothing else in QEMU, such as an answer, would ever come."""
        while True:
            reading = [self.log, self.line] + ([to_read] if to_read else [])
            reading, writing, _ = select.select(reading, [to_write] if to_write else [], [])
            self.take_log()
            self.take_line()
            if to_read in reading or writing:
                return

    def send(self, data):
        """Bytes to the board."""
        while data:
            self.wait(to_write=self.line)
            data = data[self.line.send(data):]

    def receive(self):
        """The board's bytes since the last time."""
        self.take_line()
        data, self.line_rest = self.line_rest, b""
        return data

    def ask_pins(self, command):
        """One command of QEMU's test interface."""
        self.pins.sendall(command.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            self.wait(self.pins)
            received = self.pins.recv(100)
            if not received:
                raise Failed("QEMU ended")
            answer += received
        if not answer.startswith(b"OK"):
            raise Failed(f"QEMU refuses {command}: {answer.decode()}")
        return answer.decode()

    def counts_per_us(self):
        """The PWM unit's clock: 50 MHz through its own divider."""
        return 50 / 2 ** min(1 + (self.rcc >> 17 & 7), 6)

    def watch_pins(self):
        """Takes in what the firmware did since the last time, as if it had been done now."""
        self.take_log()
        *lines, self.log_rest = self.log_rest.split(b"\n")
        # Once for all lines: the firmware writes thousands of registers in a second, and a question costs a tenth of a millisecond.
        if any(line.startswith(b"PWM:") for line in lines):
            self.rcc = int(self.ask_pins(f"readl {RCC:#x}").split()[1], 16)
        for line in lines:
            words = line.decode(errors="replace").split()
            if words[:1] == ["PWM:"] and words[3] == "write":
                offset, value = (int(re.search(name + r" (0x[0-9a-f]+)", line.decode()).group(1), 16)
                                 for name in ("offset", "value"))
                self.pwm.write(offset, value, self.now_us)
            elif words[:1] == ["pl061_set_output"]:
                # Port C is the one whose fifth line is pulled up: the e-stop's.
                if words[-3:] == ["5", "to", "1"] and self.port_c is None:
                    self.port_c = words[1]
                if words[1] == self.port_c:
                    self.outputs[int(words[-3])] = words[-1] == "1"
                    self.tell_outputs()
            elif words[:2] == ["pl061_reset", self.port_c]:
                self.forget_pins()
        self.pwm.advance(self.now_us, self.counts_per_us(), self.on_pulse)

    def tell_outputs(self):
        rail, light = self.outputs.get(6, False), self.outputs.get(4, False)
        if self.rail != rail:
            self.rail = rail
            self.on_rail(rail)
        if self.light != light:
            self.light = light
            self.on_light(light)

    def forget_pins(self):
        """In reset all pins float, and the resistors outside pull them low."""
        self.pwm, self.outputs = PWM(), {}
        self.tell_outputs()
        self.wire_estop(self.estop_is_open)
        self.on_reset()

    def wire_estop(self, is_open):
        self.estop_is_open = is_open
        self.ask_pins(f"set_irq_in {self.port_c} unnamed-gpio-in 5 {int(is_open)}")

    def pulses(self):
        return " ".join(f"{self.pwm.pulse(i, self.now_us):.2f}" for i in range(CHANNELS))
