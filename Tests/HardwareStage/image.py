"""What the stage's guest starts from: Debian's kernel, and a file system in memory with udev, busybox and our command."""
import gzip
import hashlib
import io
import lzma
import os
import pathlib
import shutil
import stat
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
# The drivers that udev may load, each with all it stands on. The console's serial port is built into Debian's kernel.
MODULES = ("virtio_pci", "virtio_console", "uinput", "evdev", "joydev", "xhci-pci", "xhci-hcd", "ehci-pci", "uhci-hcd", "ftdi_sio")
GROUPS = {"root": 0, "disk": 6, "lp": 7, "dialout": 20, "cdrom": 24, "floppy": 25, "tape": 26, "audio": 29, "tty": 5, "kmem": 15,
          "video": 44, "input": 104, "kvm": 105, "sgx": 106, "render": 107, "plugdev": 46, "person": 1000}


class Missing(Exception):
    """The stage cannot run here, and why."""


def newest(folder, pattern, remedy):
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)
    if not found:
        raise Missing(f"{pattern} is not in {folder}; {remedy}")
    return found[-1]


def unpack(package, folder):
    """Unpacks a Debian package, once."""
    if not folder.exists():
        scratch = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(scratch, ignore_errors=True)
        subprocess.run(["dpkg-deb", "-x", package, scratch], check=True)
        scratch.rename(folder)
    return folder


def plain_kernel(image):
    """The kernel as ELF, from a compressed one; QEMU starts that 3 s sooner than the kernel would unpack itself."""
    data = image.read_bytes()
    at = data.find(b"\xfd7zXZ\x00")
    if at < 0:
        raise Missing(f"{image.name} is not compressed with xz")
    return lzma.LZMADecompressor().decompress(data[at:])


def kernel_modules(tree, version, target):
    """Copies the modules and all that they stand on, and makes the indices that modprobe and udev look into."""
    subprocess.run(["depmod", "-b", tree, version], check=True, env=with_sbin())
    source = tree / "lib/modules" / version
    needs = {}
    for line in (source / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        needs[pathlib.Path(path).name.split(".")[0].replace("-", "_")] = [path, *others.split()]
    copied = target / "lib/modules" / version
    copied.mkdir(parents=True)
    for name in MODULES:
        for path in needs[name.replace("-", "_")]:
            (copied / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / path, copied / path)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(source / name, copied / name)
    subprocess.run(["depmod", "-b", target, version], check=True, env=with_sbin())


def with_sbin():
    return os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}


def libraries(program):
    """The shared libraries of a program, by the names under which it looks for them."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}).stdout
    for line in said.splitlines():
        words = line.split()
        if "not found" in line:
            raise Missing(f"{program} needs {words[0]}, which is not here; run tools/setup --with-test-tools")
        if "=>" in words and words[2].startswith("/"):
            yield words[2]
        elif words and words[0].startswith("/"):
            yield words[0]


def copy_program(program, target, at):
    """Copies a program with its libraries, those to where the linker finds them."""
    (target / at).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, target / at)
    for library in libraries(program):
        name = pathlib.Path(library).name
        place = target / "lib64" / name if name.startswith("ld-linux") else target / "lib/x86_64-linux-gnu" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copy(library, place)


def archive(folder):
    """A folder as the kernel wants it: a cpio archive in the "new ASCII" format (kernel documentation, initramfs buffer format)."""
    out = io.BytesIO()

    def entry(number, name, mode, data):
        name = name.encode() + b"\0"
        numbers = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        out.write(b"070701" + b"".join(b"%08X" % n for n in numbers) + name + b"\0" * (-(110 + len(name)) % 4))
        out.write(data + b"\0" * (-len(data) % 4))

    for number, path in enumerate(sorted(folder.rglob("*")), start=1):
        state = path.lstat()
        if path.is_symlink():
            data = os.readlink(path).encode()
        else:
            data = path.read_bytes() if path.is_file() else b""
        entry(number, str(path.relative_to(folder)), stat.S_IFMT(state.st_mode) | stat.S_IMODE(state.st_mode), data)
    entry(0, "TRAILER!!!", 0, b"")
    return out.getvalue()


def make_system(packages, work):
    """Kernel and the part of the file system that is Debian's; made once for a pair of packages."""
    remedy = "run tools/setup --with-test-tools"
    kernel = newest(packages, "linux-image-*_amd64.deb", remedy)
    udev = newest(packages, "udev_*_amd64.deb", remedy)
    recipe = hashlib.sha256(pathlib.Path(__file__).read_bytes() + (HERE / "init").read_bytes()).hexdigest()[:12]
    made = work / f"{kernel.stem}-{udev.stem}-{recipe}"
    vmlinux, base = made / "vmlinux", made / "system.cpio.gz"
    if made.exists():
        return vmlinux, base
    scratch = work / f"new.{os.getpid()}"
    shutil.rmtree(scratch, ignore_errors=True)
    system = scratch / "system"
    for folder in ("bin", "sbin", "dev", "proc", "sys", "run", "tmp", "root", "etc"):
        (system / folder).mkdir(parents=True)
    kernel_tree = unpack(kernel, scratch / "kernel")
    udev_tree = unpack(udev, scratch / "udev")
    (image,) = kernel_tree.glob("boot/vmlinuz-*")
    (scratch / "vmlinux").write_bytes(plain_kernel(image))
    kernel_modules(kernel_tree, image.name.removeprefix("vmlinuz-"), system)

    busybox = shutil.which("busybox")
    if not busybox or list(libraries(busybox)):
        raise Missing("busybox-static is missing; " + remedy)
    shutil.copy(busybox, system / "bin/busybox")
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            (system / "bin" / applet).symlink_to("busybox")
    copy_program(udev_tree / "bin/udevadm", system, "bin/udevadm")
    (system / "lib/systemd").mkdir()
    (system / "lib/systemd/systemd-udevd").symlink_to("/bin/udevadm")
    shutil.copytree(udev_tree / "lib/udev/rules.d", system / "lib/udev/rules.d")
    (system / "etc/udev").mkdir()
    (system / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nperson:x:1000:1000::/tmp:/bin/sh\n")
    (system / "etc/group").write_text("".join(f"{name}:x:{number}:\n" for name, number in GROUPS.items()))
    shutil.copy(HERE / "init", system / "init")
    (system / "init").chmod(0o755)
    (scratch / "system.cpio.gz").write_bytes(gzip.compress(archive(system), 1))
    for part in ("kernel", "udev", "system"):
        shutil.rmtree(scratch / part)
    scratch.rename(made)
    return vmlinux, base


def make_ours(command, work):
    """The part that is ours: the command with its libraries and shipped files, and the pad."""
    folder = work / f"ours.{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    shared = command.parent.parent / "share/sinew"
    for resources in (shared if shared.is_dir() else command.parent).glob("*.resources"):
        shutil.copytree(resources, folder / "opt/sinew/share/sinew" / resources.name)
    copy_program(command, folder, "opt/sinew/bin/sinew")
    (folder / "bin/sinew").symlink_to("/opt/sinew/bin/sinew")
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", HERE / "pad.c", "-o", folder / "bin/pad"],
                   check=True)
    packed = gzip.compress(archive(folder), 1)
    shutil.rmtree(folder)
    return packed
