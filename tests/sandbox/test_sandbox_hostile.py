"""Hostile programs, under root and under an ordinary user: each reports what it could do, and must report nothing.

A program prints `BREACH: what` for everything that should have been refused to it. Some run for the damage they do;
then it is what remains afterwards that counts: no process, no file, and a verdict that blames the program.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from dsafe_runner.sandbox.runs import MEBIBYTE, CodeVerdict, Limits

TIGHT = Limits(
    cpu_seconds=1,
    wall_seconds=1.5,
    memory_bytes=256 * MEBIBYTE,
    file_bytes=4 * MEBIBYTE,
    output_bytes=MEBIBYTE,
    processes=12,
)
PREFACE = """
import ctypes, os, sys, time
def breach(what, action):
    try:
        got = action()
    except (OSError, ValueError) as error:
        return
    print("BREACH:", what, repr(got)[:200], flush=True)
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def write(path, data):
    file = os.open(path, os.O_WRONLY)
    try:
        return os.write(file, data)
    finally:
        os.close(file)
def call(what, function, *arguments):
    if function(*arguments) != -1:
        print("BREACH:", what, flush=True)
"""

REFUSED = {
    "network": """
        import socket
        for family in [number for number in range(64) if number != socket.AF_UNIX]:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
                breach(family, lambda: socket.socket(family, kind))
        with open("/proc/net/dev") as file:
            names = [line.split(":")[0].strip() for line in file if ":" in line]
        if names != ["lo"]:
            print("BREACH:", names)
        """,
    "host-files": """
        for path in ("/etc", "/home", "/var", "/sys", "/boot", "/run", "/work", "/usr/share", "/usr/sbin", "/root/.ssh",
                     "/proc/1/root/etc", "/proc/1/cwd/etc", "/proc/self/root/etc", "/tmp/../etc", "/dev/shm/../../etc"):
            breach(path, lambda: os.listdir(path))
        for path in ("/etc/passwd", "/etc/shadow", "/proc/1/environ", "/proc/kcore", "/proc/kmsg", "/dev/mem",
                     "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse", "/proc/1/mem"):
            if os.getuid() != 1000 or "/proc/1" not in path:
                breach(path, lambda: open(path, "rb").read(1))
        for base in sys.path:
            for folder in ("site-packages", "dist-packages"):
                if os.path.isdir(os.path.join(base, folder)) and os.listdir(os.path.join(base, folder)):
                    print("BREACH:", base, folder)
        """,
    "links": """
        for number, target in enumerate(("/etc/passwd", "/home", "../../../../etc/passwd", "/proc/1/root/etc/passwd")):
            os.symlink(target, f"/tmp/{number}")
            breach(target, lambda: open(f"/tmp/{number}").read())
            breach(target, lambda: os.listdir(f"/tmp/{number}"))
        breach("hard link", lambda: os.link(sys.executable, "/tmp/python"))
        breach("chroot", lambda: os.chroot("/tmp"))
        os.mkfifo("/tmp/fifo")
        breach("device", lambda: os.mknod("/tmp/device", 0o60600, os.makedev(254, 0)))
        """,
    "writing-outside-tmp": """
        import sysconfig
        standard = sysconfig.get_path("stdlib")
        places = ["/", "/usr/lib", "/dev", "/proc", "/proc/sys/kernel", "/packages", "/root", standard,
                  os.path.dirname(sys.executable), os.path.join(standard, "site-packages")]
        for place in places:
            breach(place, lambda: open(os.path.join(place, "written"), "w"))
            breach(place, lambda: os.mkdir(os.path.join(place, "made")))
        for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/uid_map",
                     "/proc/sys/vm/overcommit_memory", "/proc/sys/user/max_user_namespaces", sys.executable):
            breach(path, lambda: write(path, b"1"))
        """,
    "privileges": """
        for uid in (0, 1, 1001, 65534):
            breach("setuid", lambda: os.setuid(uid))
            breach("setgid", lambda: os.setgid(uid))
            breach("setgroups", lambda: os.setgroups([uid]))
        breach("nice", lambda: os.nice(-5))
        import resource
        for name in ("AS", "NPROC", "FSIZE", "NOFILE"):
            limit = getattr(resource, "RLIMIT_" + name)
            hard = resource.getrlimit(limit)[1]
            breach(name, lambda: resource.setrlimit(limit, (hard + 1, hard + 1)))
        with open("/proc/self/status") as file:
            status = {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
        for name in ("CapPrm", "CapEff", "CapAmb"):
            if int(status[name], 16):
                print("BREACH:", name, status[name])
        if status["NoNewPrivs"] != "1" or status["Seccomp"] != "2" or status["Groups"] not in ("", "65534"):
            print("BREACH:", status["NoNewPrivs"], status["Seccomp"], status["Groups"])
        """,
    "namespaces": """
        for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x04000000, 0x08000000, 0x02000000):
            call(f"unshare {flag:x}", libc.unshare, flag)
            if (pid := libc.syscall({"x86_64": 56, "aarch64": 220}[os.uname().machine], flag | 17, 0, 0, 0, 0)) == 0:
                os._exit(0)
            if pid != -1:
                print("BREACH: clone", hex(flag))
        call("clone3", libc.syscall, 435, ctypes.create_string_buffer(88), 88)
        call("setns", libc.setns, os.open("/proc/self/ns/net", os.O_RDONLY), 0)
        call("mount", libc.mount, b"none", b"/tmp", b"tmpfs", 0, None)
        call("umount", libc.umount2, b"/tmp", 2)
        call("fsopen", libc.syscall, 430, b"tmpfs", 0)
        """,
    "other-processes": """
        pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
        if pids != [1, os.getpid()]:
            print("BREACH:", pids)
        call("ptrace", libc.ptrace, 16, 1, 0, 0)
        call("process_vm_readv", libc.process_vm_readv, 1, 0, 0, 0, 0, 0)
        """,
    "keyrings-and-hidden-memory": """
        numbers = {"x86_64": (248, 250, 29, 68, 319, 321, 425), "aarch64": (217, 219, 194, 186, 279, 280, 425)}
        names = ("add_key", "keyctl", "shmget", "msgget", "memfd_create", "bpf", "io_uring_setup")
        for name, number in zip(names, numbers[os.uname().machine]):
            call(name, libc.syscall, number, b"user", b"x", 4096, 0o1600, 0)
        import fcntl
        for request in (0x5412, 0x541C):
            breach("terminal input", lambda: fcntl.ioctl(0, request, b"x"))
        for path in ("/dev/tty", "/dev/console"):
            breach(path, lambda: open(path, "r+b", buffering=0))
        """,
    "its-own-input": """
        for path in ("/proc/self/fd/0", "/dev/stdin"):
            breach(path, lambda: write(path, b"x"))
        breach("truncate", lambda: os.ftruncate(0, 0))
        """,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(run, name):
    done = run(PREFACE + textwrap.dedent(REFUSED[name]) + "\nprint('end')")
    assert (done.verdict, done.stdout.decode()) == (CodeVerdict.OK, "end\n"), done.detail


def test_sockets_of_the_host_are_out_of_reach(run, tmp_path):
    name = f"dsafe-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as abstract, socket.socket(socket.AF_UNIX) as file:
        abstract.bind("\0" + name)
        abstract.listen()
        file.bind(str(tmp_path / "s"))
        file.listen()
        places = ["\0" + name, str(tmp_path / "s")]
        connect = "breach(place, lambda: socket.socket(socket.AF_UNIX).connect(place))"
        done = run(f"{PREFACE}\nimport socket\nfor place in {places!r}: {connect}")
    assert (done.verdict, done.stdout) == (CodeVerdict.OK, b"")


def test_secrets_of_the_controller_are_nowhere(sandbox, monkeypatch):
    """Neither in an environment that can be read, nor in a name, nor in a descriptor."""
    monkeypatch.setenv("DSAFE_API_KEY", "the-secret-key")
    done = sandbox.run("""
import os
for pid in os.listdir("/proc"):
    for name in ("environ", "cmdline"):
        try:
            data = open(f"/proc/{pid}/{name}", "rb").read()
        except OSError:
            continue
        if b"secret" in data:
            print(pid, name)
for fd in os.listdir("/proc/self/fd"):
    try:
        target = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        continue
    if not target.startswith(("pipe:", "/memfd:", "/proc/")):
        print(fd, target)
""")
    assert (done.verdict, done.stdout) == (CodeVerdict.OK, b"")


def test_the_project_is_not_in_the_file_system(run):
    """Nothing that has the project's name can be found from the root, under any user."""
    done = run("""
import os
for folder, folders, files in os.walk("/"):
    if folder == "/proc":
        folders.clear()
    for name in folders + files:
        if "dsafe" in name or "sandbox" in name or name.endswith((".safetensors", "_rsa")):
            print(os.path.join(folder, name))
""")
    assert (done.verdict, done.stdout) == (CodeVerdict.OK, b"")


BLAMED = {
    "fork-bomb": (
        """
        while True:
            try:
                os.fork()
            except OSError:
                pass
        """,
        {"time"},
    ),
    "thread-bomb": (
        """
        import threading
        while True:
            threading.Thread(target=time.sleep, args=(100,)).start()
        """,
        {"runtime-error", "time"},
    ),
    "memory-at-once": ("bytearray(1 << 40)", {"memory"}),
    "memory-bit-by-bit": ("kept = []\nwhile True: kept.append(bytes(1 << 20))", {"memory"}),
    "memory-of-many": (
        """
        for _ in range(4):
            if os.fork() == 0:
                kept = b"x" * (120 << 20)
                time.sleep(20)
        time.sleep(20)
        """,
        {"memory"},
    ),
    "shared-memory": (
        """
        import mmap
        kept = mmap.mmap(-1, 200 << 20)
        kept.write(bytes(200 << 20))
        if os.fork() == 0:
            other = mmap.mmap(-1, 100 << 20)
        bytes(100 << 20)
        """,
        {"memory"},
    ),
    "one-large-file": ("open('/tmp/f', 'wb').write(bytes(8 << 20))", {"runtime-error"}),
    "many-files": ("for n in range(10): open(f'/tmp/{n}', 'wb').write(bytes(1 << 20))", {"runtime-error"}),
    "shared-memory-files": ("for n in range(20): open(f'/dev/shm/{n}', 'wb').write(bytes(1 << 20))", {"runtime-error"}),
    "endless-output": ("while True: print('x' * 1000)", {"output-limit"}),
    "endless-errors": ("while True: print('x' * 1000, file=sys.stderr)", {"time"}),
    "output-of-a-child": (
        """
        if os.fork() == 0:
            while True: os.write(1, b"x" * 65536)
        os.wait()
        """,
        {"output-limit"},
    ),
    "endless-loop": ("while True: pass", {"time"}),
    "endless-loop-in-c": ("sum(iter(int, 1))", {"time"}),
    "deaf-to-signals": (
        """
        import signal
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True: pass
        """,
        {"time"},
    ),
    "many-loops": (
        """
        for _ in range(8): os.fork()
        while True: pass
        """,
        {"time", "runtime-error"},
    ),
    "sleeps": ("time.sleep(1000)", {"time"}),
    "stops-itself": ("import signal; os.kill(os.getpid(), signal.SIGSTOP)", {"time"}),
    "kills-itself": ("import signal; os.kill(os.getpid(), signal.SIGKILL)", {"runtime-error"}),
    "kills-everyone": (
        """
        import signal
        for pid in (1, os.getppid(), -1):
            for number in (signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
                try: os.kill(pid, number)
                except OSError: pass
        os.kill(os.getpid(), 9)
        """,
        {"runtime-error"},
    ),
    "overwrites-the-first-process": (
        """
        import re
        try:
            maps, memory = open("/proc/1/maps").read(), os.open("/proc/1/mem", os.O_RDWR)
        except OSError:
            sys.exit(f"{1 / 0}")
        for start, end in re.findall("^([0-9a-f]+)-([0-9a-f]+) r.x", maps, re.M):
            try: os.pwrite(memory, b"\\xcc" * (int(end, 16) - int(start, 16)), int(start, 16))
            except OSError: pass
        if os.fork() == 0: os._exit(0)
        time.sleep(10)
        """,
        {"runtime-error", "time"},
    ),
    "crashes": ("ctypes.string_at(1)", {"runtime-error"}),
    "deep-recursion": (
        """
        sys.setrecursionlimit(10**8)
        def f(x): return sorted([x], key=f)
        f(1)
        """,
        {"runtime-error", "memory"},
    ),
    "imitates-the-sandbox": (
        """
        for fd in range(3, 64):
            try: os.write(fd, b'{ "exit-code": 0 }\\nbegun\\nmemory\\nresult 1\\n')
            except OSError: pass
        os.closerange(0, 64)
        os._exit(3)
        """,
        {"runtime-error", "memory"},
    ),
    "lies-about-its-end": ("os._exit(137)", {"runtime-error"}),
    "monstrous-source": ("x = " + "(" * 100_000 + ")" * 100_000, {"runtime-error", "memory"}),
    "monstrous-constant": ("x = [" + "9**9**9**9," * 2 + "]", {"time", "memory"}),
}


SECONDS = {
    "deaf-to-signals",
    "fork-bomb",
    "thread-bomb",
    "endless-errors",
    "endless-loop-in-c",
    "many-loops",
    "stops-itself",
    "monstrous-constant",
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SECONDS)) for n in BLAMED])
def test_blamed(sandbox, name):
    blamed(sandbox.run, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", BLAMED)
def test_blamed_under_an_ordinary_user(ordinary_user, name):
    blamed(ordinary_user.run, name)


def blamed(run, name: str) -> None:
    """The program fails, its own fault, within its time; the sandbox never does."""
    program, verdicts = BLAMED[name]
    begun = time.monotonic()
    done = run(PREFACE + textwrap.dedent(program), limits=TIGHT)
    assert done.verdict in verdicts, done
    assert time.monotonic() - begun < 6 * TIGHT.wall_seconds
    assert len(done.stdout) <= TIGHT.output_bytes
    assert len(done.detail) <= 240


def test_processes_and_threads_are_counted(run):
    done = run(
        """
import os, threading, time
forked = 0
try:
    while forked < 100:
        if os.fork() == 0:
            time.sleep(60)
        forked += 1
except OSError:
    pass
print(forked)
""",
        limits=TIGHT,
    )
    assert (done.verdict, int(done.stdout) < TIGHT.processes) == (CodeVerdict.OK, True), done


def processes_named(name: str) -> list[str]:
    """Processes anywhere on the machine that call themselves so."""
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name:
                found.append(path.parent.name)
        except OSError:
            continue
    return found


DAEMONS = (
    PREFACE
    + """
with open("/proc/self/comm", "w") as file:
    file.write("{name}")
def daemon():
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 64)
    while True:
        time.sleep(1)
for _ in range(3):
    daemon()
open("/tmp/{name}", "w").write("x")
open("/dev/shm/{name}", "w").write("x")
{end}
"""
)


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        ("print('done')", CodeVerdict.OK),
        ("1 / 0", CodeVerdict.RUNTIME_ERROR),
        pytest.param("time.sleep(60)", CodeVerdict.TIME, marks=pytest.mark.slow),
    ],
)
def test_nothing_is_left_behind(run, end, verdict):
    """Daemons in sessions of their own, without a descriptor of ours, end with the program; so do its files."""
    name = f"ds-{os.getpid()}"
    descriptors = len(os.listdir("/proc/self/fd"))
    done = run(DAEMONS.format(name=name, end=end), limits=TIGHT)
    assert done.verdict is verdict
    assert not processes_named(name)
    assert not [path for path in ("/tmp", "/dev/shm") if Path(path, name).exists()]
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert "bwrap" not in our_children().values()


def our_children() -> dict[int, str]:
    """Names of our children, ended or not: whatever a sandbox leaves behind becomes our child."""
    children = " ".join(path.read_text() for path in Path("/proc/self/task").glob("*/children")).split()
    return {int(child): Path(f"/proc/{child}/comm").read_text().strip() for child in children}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_controller_dies(sandbox, how):
    """Killed without a chance to clean up, or interrupted: the program goes with it."""
    name = f"dk-{os.getpid()}"
    code = (
        "import sys; from dsafe_runner.sandbox.bubblewrap import Sandbox\n"
        f"Sandbox().run({DAEMONS.format(name=name, end='time.sleep(60)')!r})"
    )
    # a shell that runs the tests in the background has them ignore an interrupt, and their children too
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    controller = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, preexec_fn=heard)
    try:
        wait_until(lambda: len(processes_named(name)) >= 4)
        controller.send_signal(how)
        controller.wait(10)
        wait_until(lambda: not processes_named(name))
    finally:
        controller.kill()
        controller.wait()


@pytest.mark.parametrize("milliseconds", [0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7, 9])
def test_stopped_while_it_starts(run, milliseconds):
    """Whatever bubblewrap had got to by then: no process of it stays, and nothing is said about the program."""
    for _ in range(3):
        done = run("1 / 0", limits=Limits(wall_seconds=milliseconds / 1000))
        assert done.verdict in (CodeVerdict.SANDBOX_ERROR, CodeVerdict.TIME, CodeVerdict.RUNTIME_ERROR)
        assert "bwrap" not in our_children().values()


@pytest.mark.slow
def test_a_controller_that_dies_at_any_moment(sandbox):
    """Graders killed in the middle of starting sandboxes: what bubblewrap would have left, the keeper ends."""
    code = (
        "from dsafe_runner.sandbox.bubblewrap import Sandbox\ns = Sandbox()\nprint(flush=True)\n"
        "while True: s.run('print(1)')"
    )
    for number in range(25):
        controller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        controller.stdout.readline()
        time.sleep(number / 1000)
        controller.kill()
        controller.wait()
        controller.stdout.close()
    wait_until(lambda: not any(map(orphaned, processes_named("bwrap"))))


def orphaned(pid: str) -> bool:
    """Nobody's child any more, and not merely waiting for init to take note of its end."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "PPid:\t1\n" in status and "State:\tZ" not in status


def wait_until(condition) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
