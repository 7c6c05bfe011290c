"""The stage: a guest with our command in it, a controller board, the cable between them, and a pad in the operator's hands."""
import json
import re
import time

from board import Board
from guest import Failed, Guest

SERIAL_NUMBER = "HIL0001"
# As udev's rules name an adaptor: bus, maker, product and serial number as it gives them, interface and port.
LINK = f"/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{SERIAL_NUMBER}-if00-port0"
# The shorter a frame's time, the less it matters that emulated processors stutter.
BIT_RATE = 1_000_000
STICK = 32767
# A board that runs at less than this share of its speed has not been given the processor that it needs.
PACE = 0.9


class TooSlow(Failed):
    """The machine is too slow for the stage."""


class Busy(Failed):
    """The machine was too slow for what a person does before the thing to be judged; it may be tried again."""


class Stage:
    # Conditions of the safety core by which a command shows that answers or its own ticks came late.
    LATE = "JOINT SILENT|OBSERVATION STALE|ARM MUTE|OVERRUN BUDGET|TIME GAP|SERVO WATCHDOG|ARMING TIMED OUT"

    def __init__(self, kernel, initrd, folder):
        self.board = Board("atmega328p", BIT_RATE, folder)
        self.guest = None
        try:
            self.guest = Guest(kernel, initrd, self.board.port, folder)
            self.guest.ask("sinew firmware calibration --arm hobby6 --output board.yaml")
        except Failed:
            pace = self.board.pace()
            self.close()
            if pace < PACE:
                raise TooSlow(f"the machine is too slow: the board runs at {pace:.0%} of its speed, and the guest does not start")
            raise
        self.is_plugged = self.has_pad = False
        self.began = self.runs = 0

    def close(self):
        if self.guest:
            self.guest.close()
        self.board.close()

    def begin(self):
        """As it is before each scenario: nothing of ours runs, no pad, the cable plugged in, the board just switched on."""
        self.stop_command()
        self.unplug_pad()
        self.plug()
        self.board.reset()
        self.board.pace()
        self.began = self.guest.mark()

    # MARK: The cable

    def plug(self):
        if not self.is_plugged:
            self.guest.wait_until(f"! test -e {LINK}")
            self.guest.plug(SERIAL_NUMBER)
            self.is_plugged = True
        self.guest.wait_until(f"test -e {LINK}")

    def unplug(self):
        """Gives the board's time before."""
        before = self.board.pins().us
        self.guest.unplug()
        self.is_plugged = False
        return before

    # MARK: The pad

    def plug_pad(self):
        self.guest.ask("rm -f /run/pad; mkfifo /run/pad; (pad </run/pad >/dev/ttyS0 2>&1 & echo $! >/run/pad.pid); exec 4>/run/pad")
        self.guest.wait_until("grep -q X-Box /proc/bus/input/devices")
        self.has_pad = True

    def unplug_pad(self):
        """Gives the board's time before."""
        before = self.board.pins().us
        if self.has_pad:
            self.guest.ask("kill $(cat /run/pad.pid); exec 4>&-")
            self.guest.wait_until("! grep -q X-Box /proc/bus/input/devices")
            self.has_pad = False
        return before

    def do(self, *commands):
        """What the operator does: ("rb", 1) or ("leftx", 30000), one after the other."""
        self.guest.ask("".join(f"echo {name} {value} >&4; " for name, value in commands))

    def press(self, name):
        self.do((name, 1), ("wait", 60), (name, 0))

    def touch_all(self):
        """Moves every stick and trigger once: before that a pad's axes are unknown."""
        self.do(*((name, value) for name in ("leftx", "lefty", "rightx", "righty", "lefttrigger", "righttrigger")
                  for value in (200, 0)))

    # MARK: The command

    def teleoperate(self, *arguments):
        """Starts sinew teleop on the board; its words go to the guest's console. Waits until it is in the loop."""
        mark = self.guest.mark()
        self.runs += 1
        words = " ".join(("sinew teleop --arm hobby6 --model so101 --control joints --speed 25 --calibration ./board.yaml",
                          f"--port {LINK} --baud {BIT_RATE} --control-rate 50 --no-log", *arguments))
        self.guest.ask(f"({words} </dev/null 4>&- 2>&1 & echo $! >/run/sinew.pid; wait $!; echo run {self.runs} ended with $?) "
                       "| cat >/dev/ttyS0 &")
        self.guest.wait_for(rf"\| disarmed \||run {self.runs} ended", mark, 40)
        said = self.guest.since(mark)
        if f"run {self.runs} ended" in said:
            raise Busy(f"sinew teleop ended at once: {said[-600:]}")
        # Of what a pad does before it is listened to, the kernel keeps the last values alone, and 0 is none.
        if self.has_pad:
            self.guest.wait_for(r" connected \(/dev/input/", mark, 20)

    def wait_for_end(self, seconds):
        """Waits for the command's end; gives its exit code."""
        return int(self.guest.wait_for(rf"run {self.runs} ended with (\d+)", self.began, seconds)[1])

    def stop_command(self):
        self.guest.run("kill -9 $(cat /run/sinew.pid) 2>/dev/null; rm -f /run/sinew.pid")

    def arm(self):
        """Reset where a fault is latched, start, until the servos have power."""
        for _ in range(6):
            pins, mark = self.board.pins(), self.guest.mark()
            if pins.rail and pins.pulses[0] > 0 and "| hold |" in self.last_state():
                return pins
            if re.search(r"\| fault", self.last_state()):
                self.do(("rb", 0), ("leftx", 0))
                time.sleep(1.2)  # the reset wants enable let go for a second
                self.do(("lb", 1), ("wait", 60), ("start", 1), ("wait", 60), ("start", 0), ("lb", 0))
                time.sleep(0.5)
            self.press("start")
            try:
                self.guest.wait_for(r"\| hold \|", mark, 5)
                return self.board.wait_until(lambda pins: pins.rail and pins.pulses[0] > 0, 5, "power after start")
            except Failed:
                continue
        raise Busy(f"start did not arm the arm: {self.guest.since(self.began)[-600:]}")

    def last_state(self):
        """The last line of state that the command wrote."""
        lines = [line for line in self.guest.since(self.began).split("\n") if re.match(r"\d+\.\d s \|", line)]
        return lines[-1] if lines else ""

    def has_stuttered(self):
        """Whether the command has stopped the arm because answers or its own ticks came late."""
        return re.search(self.LATE, self.guest.since(self.began)) is not None

    def move(self, direction=1):
        """Presses enable with the sticks at rest, then pushes one; until the first joint moves on the pins."""
        for _ in range(4):
            mark = self.guest.mark()
            before = self.board.pins()
            self.do(("leftx", 0), ("rb", 0), ("wait", 400), ("rb", 1))
            try:
                self.guest.wait_for(r"\| teleoperation \|", mark, 3)
                self.do(("leftx", direction * STICK))
                return self.board.wait_until(
                    lambda pins: pins.rail and abs(pins.pulses[0] - before.pulses[0]) > 15, 3, "motion of the first joint")
            except Failed:
                if not self.board.pins().rail:
                    break
        raise Busy(f"the arm did not move: {self.guest.since(self.began)[-600:]}")

    def get_moving(self, *arguments):
        """Pad, command, power, motion."""
        self.plug_pad()
        self.teleoperate(*arguments)
        self.touch_all()
        self.arm()
        self.move()

    def processor_share(self, seconds):
        """The share of one processor that the command uses, over a while."""
        def look():
            words = self.guest.ask("cat /proc/uptime; cut -d ' ' -f 14,15 /proc/$(cat /run/sinew.pid)/stat").split()
            return float(words[0]), (int(words[2]) + int(words[3])) / 100
        time_0, used_0 = look()
        time.sleep(seconds)
        time_1, used_1 = look()
        return (used_1 - used_0) / (time_1 - time_0)

    def json(self, command):
        return json.loads(self.guest.ask(command))
