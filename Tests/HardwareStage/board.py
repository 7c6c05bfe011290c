"""The stage's controller board: tools/emulated-board with its line on a terminal device, and what its pins do."""
import pathlib
import subprocess
import threading
import time

from guest import Failed, Late

# Two pulses for the same target differ by less than this.
EDGE_US = 8
# A pulse that begins just before the outputs go off is cut short.
LONGEST_PULSE_US = 2_600
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Pins:
    """The pins at one moment of the board's time."""

    def __init__(self, words):
        self.us, self.rail, self.light = int(words[0]), words[3] == "1", words[5] == "1"
        self.pulses = [float(w) for w in words[words.index("pulses") + 1:]]


class Board:
    def __init__(self, name, bit_rate, folder):
        self.folder = folder
        self.port = folder / "line"
        self.trace_file = folder / "trace"
        self.process = subprocess.Popen(
            [ROOT / "tools/emulated-board", name, "--pty", self.port, "--baud", str(bit_rate), "--trace", self.trace_file],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(folder / "board.log", "w"), text=True)
        self.lines, self.changed = [], threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        self.paced = time.monotonic(), int(self.wait_for("ready", 0, 300)[0])

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.split())
                self.changed.notify_all()

    def wait_for(self, word, since, seconds):
        """The first line with a word that comes after so many others."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                for line in self.lines[since:]:
                    if word in line:
                        return line
                if self.process.poll() is not None or not self.changed.wait(max(0, end - time.monotonic())):
                    raise Late(f"the board did not say {word} within {seconds} s: "
                                 f"{(self.folder / 'board.log').read_text().strip()[-500:]}")

    def pins(self):
        since = len(self.lines)
        self.tell("pins")
        return Pins(self.wait_for("pins", since, 20))

    def reset(self):
        """Switches the board off and on."""
        since = len(self.lines)
        self.tell("reset")
        self.wait_for("reset", since, 20)

    def pace(self):
        """The share of real time that the board's time had since the last call."""
        began, us = self.paced
        self.paced = time.monotonic(), self.pins().us
        return (self.paced[1] - us) / 1e6 / max(self.paced[0] - began, 0.001)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def wait_until(self, condition, seconds, what):
        """Waits until a condition holds for the pins; gives them."""
        end = time.monotonic() + seconds
        while True:
            pins = self.pins()
            if condition(pins):
                return pins
            if time.monotonic() > end:
                raise Late(f"not within {seconds} s: {what}; rail {int(pins.rail)}, pulses {pins.pulses}")
            time.sleep(0.02)

    def trace(self, since_us=0):
        """What the pins did: (µs, word, value ...)."""
        text = self.trace_file.read_text()
        rows = (line.split() for line in text[:text.rfind("\n") + 1].splitlines())
        return [(int(words[0]), *words[1:]) for words in rows if int(words[0]) >= since_us]

    def motion_end(self, since_us, channel=0, off_us=None):
        """When the pulse of a channel changed last, of those put out after a time; the time itself when it did not change.

        With the time at which the outputs went off, the pulse that this cut short is none.
        """
        last_us, width = since_us, None
        for us, word, *rest in self.trace(since_us):
            if off_us is not None and us > off_us - LONGEST_PULSE_US:
                break
            if word == "pulse" and int(rest[0]) == channel and rest[1] != "off":
                # The line's interrupts hold an edge up for some microseconds; a moving joint's pulses differ by more.
                if width is not None and abs(float(rest[1]) - width) > EDGE_US:
                    last_us = us
                width = float(rest[1]) if width is None or abs(float(rest[1]) - width) > EDGE_US else width
        return last_us

    def rail_off(self, since_us, seconds):
        """When the servos' power went off after a time; waits for it, so many seconds of the board's time."""
        while True:
            now_us = self.pins().us
            for us, word, *rest in self.trace(since_us):
                if (word, rest) == ("rail", ["0"]):
                    return us
            if now_us > since_us + seconds * 1_000_000:
                raise Failed(f"the servos' power was not off {seconds} s later")
            time.sleep(0.05)
