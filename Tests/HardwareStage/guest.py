"""The stage's guest: a QEMU machine, its console, a shell in it, and its USB socket."""
import codecs
import json
import re
import select
import socket
import subprocess
import threading
import time


class Failed(Exception):
    """A scenario did not go as it must."""


class Late(Failed):
    """Something did not come in its time."""


class Guest:
    """A running machine. `port` is the far end of the adaptor's serial line: a terminal device of this machine."""

    def __init__(self, kernel, initrd, port, folder):
        self.folder = folder
        self.control = self.listen("control")
        self.console_listener = self.listen("console")
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "768", "-M", "q35", "-nodefaults",
             "-no-user-config", "-display", "none", "-no-reboot", "-kernel", kernel, "-initrd", initrd,
             "-append", "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check rdinit=/init",
             "-chardev", f"socket,id=console,path={folder}/console", "-serial", "chardev:console",
             "-chardev", f"socket,id=shell,path={folder}/control",
             "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=shell,name=shell",
             "-device", "qemu-xhci,id=usb", "-chardev", f"serial,id=line,path={port}",
             "-qmp", f"unix:{folder}/qmp,server=on,wait=off"],
            stdin=subprocess.DEVNULL, stderr=open(folder / "qemu.log", "w"))
        try:
            self.come_up()
        except BaseException:
            self.close()
            raise

    def come_up(self):
        self.shell = self.accept(self.control)
        self.console = self.accept(self.console_listener)
        self.said, self.adaptors, self.answers, self.count = "", 0, b"", 0
        self.lock = threading.Lock()
        threading.Thread(target=self.read_console, daemon=True).start()
        self.monitor = self.connect("qmp")
        self.monitor_lines = self.monitor.makefile("r")
        self.monitor_lines.readline()
        self.tell_qemu("qmp_capabilities")
        self.shell.sendall(b"echo ready\n")
        self.await_answer(rb"ready\n", 180, "the start")

    # MARK: QEMU

    def listen(self, name):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.folder / name))
        listener.listen(1)
        listener.settimeout(20)
        return listener

    def accept(self, listener):
        try:
            return listener.accept()[0]
        except TimeoutError:
            raise Failed(f"QEMU did not begin: {(self.folder / 'qemu.log').read_text().strip()}") from None

    def connect(self, name):
        end = time.monotonic() + 10
        while True:
            try:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(str(self.folder / name))
                return connection
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def tell_qemu(self, command, **arguments):
        self.monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self.monitor_lines.readline())
            if "error" in answer:
                raise Failed(f"QEMU: {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def plug(self, serial_number):
        """Plugs the adaptor in: an FT232 as QEMU plays it."""
        self.adaptors += 1
        self.tell_qemu("device_add", driver="usb-serial", id=f"adaptor{self.adaptors}", chardev="line", bus="usb.0",
                       serial=serial_number)

    def unplug(self):
        self.tell_qemu("device_del", id=f"adaptor{self.adaptors}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    # MARK: The guest

    def read_console(self):
        log = open(self.folder / "console.log", "wb", buffering=0)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        while data := self.console.recv(4096):
            log.write(data)
            with self.lock:
                self.said += decoder.decode(data).replace("\r", "")

    def mark(self):
        """A place in what the console has said."""
        with self.lock:
            return len(self.said)

    def since(self, mark):
        with self.lock:
            return self.said[mark:]

    def wait_for(self, pattern, mark, seconds):
        """Waits until the console has said it after a mark; gives the match."""
        end = time.monotonic() + seconds
        while True:
            said = self.since(mark)
            if found := re.search(pattern, said):
                return found
            if time.monotonic() > end or self.process.poll() is not None:
                raise Late(f"the console did not say /{pattern}/ within {seconds} s, but: ...{said[-1500:]}")
            time.sleep(0.01)

    def await_answer(self, pattern, seconds, command):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.answers)):
            left = end - time.monotonic()
            data = self.shell.recv(65536) if left > 0 and select.select([self.shell], [], [], left)[0] else b""
            if not data:
                raise Late(f"the guest ended, or did not finish within {seconds} s: {command}; it said: "
                             f"{self.answers.decode(errors='replace')}; its console: ...{self.since(0)[-1500:]}")
            self.answers += data
        self.answers = self.answers[found.end():]
        return found

    def run(self, command, seconds=20):
        """Runs a line in the guest's shell; gives its exit status and what it said."""
        self.count += 1
        # The number keeps a late answer from being taken for another's.
        self.shell.sendall(f"echo \"@@{self.count}\"; {{ {command}\n}} </dev/null; echo \"@@{self.count} $?\"\n".encode())
        found = self.await_answer(b"(?s)@@%d\n(.*?)@@%d (\\d+)\n" % (self.count, self.count), seconds, command)
        return int(found[2]), found[1].decode(errors="replace").replace("\r", "")

    def ask(self, command, seconds=20):
        """Runs a line that must succeed; gives what it said."""
        status, said = self.run(command, seconds)
        if status != 0:
            raise Failed(f"{command} ended with {status}: {said}")
        return said

    def wait_until(self, command, seconds=20):
        """Waits until a line succeeds in the guest."""
        end = time.monotonic() + seconds
        while self.run(command, seconds)[0] != 0:
            if time.monotonic() > end:
                raise Late(f"not within {seconds} s: {command}")
