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

Usage: lm3s6965evb.py FIRMWARE.elf
"""
import re
import select
import subprocess
import sys

sys.dont_write_bytecode = True
from lm3s6965evb_emulator import ANSWER_SECONDS, RCC, Emulator, Failed  # noqa: E402

CYCLES_PER_US = 50
SYSTICK_VALUE, SYSTICK_CONTROL, UART = 0xE000E018, 0xE000E010, 0x4000C000


class Debugger:
    """The few packets of the GDB remote protocol that are needed."""

    def __init__(self, link):
        self.link, self.buffer = link, b""

    def put(self, text):
        self.link.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())

    def get(self, seconds):
        """The next packet; None when it does not come."""
        while True:
            match = re.search(rb"\$([^#]*)#..", self.buffer)
            if match:
                self.buffer = self.buffer[match.end():]
                return match.group(1).decode()
            if not select.select([self.link], [], [], seconds)[0]:
                return None
            received = self.link.recv(4096)
            if not received:
                raise Failed("QEMU ended")
            self.buffer += received

    def ask(self, text, is_answer):
        """The first packet that is an answer. All that is asked here may be asked again."""
        for _ in range(ANSWER_SECONDS // 5):
            self.put(text)
            while (answer := self.get(5)) is not None:
                if is_answer(answer):
                    return answer
        raise Failed(f"QEMU does not answer {text}")

    def word(self, address):
        answer = self.ask(f"m{address:x},4", lambda answer: re.fullmatch("[0-9a-f]{8}", answer))
        return int.from_bytes(bytes.fromhex(answer), "little")

    def until_stop(self, how):
        self.ask(how, lambda answer: answer[:1] in ("T", "S"))

    def monitor(self, command):
        self.ask("qRcmd," + command.encode().hex(), lambda answer: answer == "OK")

    def set_program_counter(self, address):
        registers = self.ask("g", lambda answer: len(answer) > 128)  # 15 of 8 digits, then the program counter
        self.ask(f"G{registers[:120]}{address.to_bytes(4, 'little').hex()}{registers[128:]}", lambda answer: answer == "OK")


class Board:
    def __init__(self, firmware):
        self.emulator = Emulator(firmware, "-S", "-icount", "shift=5,sleep=off", "-chardev",
                                 "socket,id=debugger,path=@debugger,server=on,wait=off", "-gdb", "chardev:debugger")
        self.emulator.on_rail = lambda is_on: print(f"rail {self.emulator.now_us:.0f} {int(is_on)}")
        self.emulator.on_reset = self.forget_time
        self.debugger = Debugger(self.emulator.connect("debugger"))
        self.ticks = None
        self.pending, self.heard, self.next_byte_us = b"", b"", 0.0
        self.sleep_address, self.hang_address = (symbol(firmware, name) for name in ("wait_for_interrupt", "hang"))
        self.debugger.ask(f"Z0,{self.sleep_address:x},2", lambda answer: answer == "OK")

    def forget_time(self):
        self.ticks = None

    def advance(self):
        """To the next time that the firmware goes to sleep."""
        self.debugger.until_stop("s")  # off the place where it stopped
        self.debugger.until_stop("c")
        ticks = self.debugger.word(SYSTICK_VALUE)
        passed = (0xFFFFFF if self.ticks is None else self.ticks) - ticks
        self.emulator.now_us += passed % 0x1000000 / CYCLES_PER_US
        if self.ticks is None:
            self.check_clock()
        self.ticks = ticks
        self.emulator.watch_pins()
        self.hear()

    def check_clock(self):
        """What is taken for a microsecond here is one on the chip: 8 MHz crystal, PLL, 200 MHz / 4, counted by SysTick."""
        rcc = self.debugger.word(RCC)
        expected = {0xF << 23: 3 << 23, 1 << 22: 1 << 22, 1 << 13: 0, 1 << 11: 0, 0xF << 6: 0xE << 6, 3 << 4: 0, 1 << 20: 1 << 20}
        if any(rcc & mask != value for mask, value in expected.items()) or self.debugger.word(SYSTICK_CONTROL) & 7 != 5:
            raise Failed(f"the clock is not 50 MHz: RCC {rcc:08x}")
        whole, fraction = self.debugger.word(UART + 0x24), self.debugger.word(UART + 0x28)
        self.us_per_byte = 10 * 16 * (whole + fraction / 64) / CYCLES_PER_US

    def hear(self):
        self.heard += self.emulator.receive()
        *frames, self.heard = self.heard.split(b"\0")
        for frame in frames:
            print(f"frame {self.emulator.now_us:.0f} {frame.hex()}00")

    def give_bytes(self):
        """Puts the bytes into the UART, which has room for 16, that come until the next stop, hence up to 1 ms early."""
        count = 0
        while count < min(16, len(self.pending)) and self.next_byte_us + count * self.us_per_byte <= self.emulator.now_us + 1000:
            count += 1
        if count == 0 or not self.debugger.word(UART + 0x18) & 1 << 4:
            return
        self.emulator.send(self.pending[:count])
        self.pending = self.pending[count:]
        self.next_byte_us += count * self.us_per_byte
        while self.debugger.word(UART + 0x18) & 1 << 4:  # RXFE: QEMU has not taken them yet
            pass

    def run(self, microseconds):
        end = self.emulator.now_us + microseconds
        while self.emulator.now_us < end:
            if self.ticks is not None:
                self.give_bytes()
            self.advance()
        board = self.emulator
        print(f"now {board.now_us:.0f} rail {int(board.rail)} light {int(board.light)} pulses {board.pulses()}", flush=True)

    def send(self, data):
        if not self.pending:
            self.next_byte_us = self.emulator.now_us + (self.us_per_byte if self.ticks is not None else 0)
        self.pending += data

    def obey(self, command):
        words = command.split()
        if words[0] == "send":
            self.send(bytes.fromhex(words[1]))
        elif words[0] == "run":
            self.run(int(words[1]))
        elif words[0] == "estop":
            self.emulator.wire_estop(words[1] == "open")
        elif words[0] == "reset":
            self.debugger.monitor("system_reset")
            self.emulator.watch_pins()
            self.emulator.forget_pins()
        elif words[0] == "hang":
            self.debugger.set_program_counter(self.hang_address)
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
        board.emulator.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
