r"""Runs one Python program at a time under bubblewrap: no network, no files, no privileges, limits on everything.

    sandbox = Sandbox()                              # UnavailableError where this machine cannot contain a program
    run = sandbox.run("print(input()[::-1])", b"abc")
    run.verdict, run.stdout                          # ok, b"cba\n"

Every run has namespaces of its own (user, process, mount, network, IPC, host name), a root file system of its own
(root.py), a filter of system calls (system_calls.py) and limits set before the program starts (inside.py). Started as
root it drops to an unprivileged uid first: root's processes escape the limit on their number. docs/sandbox.md has the
threat model.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import itertools
import marshal
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from dsafe_runner.errors import UnavailableError
from dsafe_runner.sandbox.orphans import Keeper, adopting_orphans
from dsafe_runner.sandbox.prelude import INTEGER_DIGITS, RECURSION_LIMIT, lent_names
from dsafe_runner.sandbox.root import PACKAGES, interpreter, root_arguments
from dsafe_runner.sandbox.runs import MEBIBYTE, CodeVerdict, Limits, Run
from dsafe_runner.sandbox.supervise import Channels, supervise
from dsafe_runner.sandbox.system_calls import filter_program

UNPRIVILEGED = range(60_706, 61_184)
"""The uids that programs run as when we are root, one after the other: the kernel counts processes by uid, and runs at
the same time must not count for each other. No distribution gives these to anyone (systemd: UIDS-GIDS)."""

_STACK = 64 * MEBIBYTE
_OPEN_FILES = 64
_SHARED_MEMORY = 16 * MEBIBYTE
_GATE = b"--unshare-uts\0"
"""The last argument of bubblewrap, sent when the keeper knows of it; should we die before, it starts nothing."""
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
_ENVIRONMENT = {
    "PATH": "/nonexistent",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # the order of a set of strings must not differ from run to run
    "PYTHONHASHSEED": "0",
}
_START = (
    "import marshal\n"
    "with open({job},'rb') as f:code,job=marshal.load(f)\n"
    "names={{'__name__':'inside'}}\n"
    "exec(code,names)\n"
    "names['main'](job,{report},lambda text,space:exec(text,space))"
)
_SELF_TEST = """
import os, socket, threading
def refused(action):
    try:
        action()
    except OSError:
        return True
    return False
checks = {
    "a network socket opened": refused(lambda: socket.socket(socket.AF_INET)),
    "the root file system is writable": refused(lambda: open("/probe", "w")),
    "programs are root": os.getuid() != 0,
    "a host file is there": refused(lambda: open("/etc/passwd")),
    "the system call filter is not in force": refused(lambda: socket.socket(40)),  # vsock
    "processes of the host are seen": sum(name.isdigit() for name in os.listdir("/proc")) < 4,
}
with open("/tmp/probe", "w") as file:
    file.write("x")
threads = [threading.Thread(target=int) for _ in range(4)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(next((what for what, holds in checks.items() if not holds), "contained"))
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether programs can be contained on this machine; where not, `why` says what to install or allow."""

    usable: bool
    why: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def probe() -> Probe:
    """Start a sandbox and run a tiny program that tries the walls; takes some hundredths of a second."""
    try:
        return Probe(True, facts=Sandbox().describe())
    except UnavailableError as error:
        return Probe(False, str(error))


class Sandbox:
    """Runs programs. Safe to use from several threads at once; each run is a sandbox of its own.

    Raises (on construction):
        UnavailableError: programs cannot be contained here; one line says what to install or allow.
    """

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise UnavailableError("the code sandbox needs Linux; run code benchmarks on a Linux machine")
        found = shutil.which("bwrap")
        if found is None:
            raise UnavailableError("bubblewrap is not installed; apt-get install bubblewrap (or dnf, apk, pacman)")
        self._bwrap = found
        self._filter = filter_program()
        self._code = compile(Path(__file__).with_name("inside.py").read_text("utf-8"), "<sandbox>", "exec")
        self._as_root = os.geteuid() == 0
        self._turn = itertools.count(os.getpid())
        self._others = 0 if self._as_root or _counts_processes_per_namespace() else _threads_of_this_user()
        setpriv = shutil.which("setpriv") if self._as_root else None
        if self._as_root and setpriv is None:
            raise UnavailableError("setpriv is not installed, and root must not run programs; install util-linux")
        self._root = root_arguments(*([setpriv] if setpriv else []))
        self._self_test()

    def describe(self) -> dict[str, str]:
        """What can move a verdict: versions of bubblewrap, the interpreter and numpy."""
        said = subprocess.run([self._bwrap, "--version"], capture_output=True, text=True, check=False).stdout
        facts = {"sandbox": said.strip(), "python": platform.python_version()}
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            facts["numpy"] = importlib.metadata.version("numpy")
        return facts

    def run(self, program: str, stdin: bytes = b"", limits: Limits | None = None) -> Run:
        """Run a whole program on an input, as `python program.py < input` would."""
        return self._run(program, stdin, limits or Limits(), None, [])

    def call(self, program: str, function: str, arguments: list[Any], limits: Limits | None = None) -> Run:
        """Call Solution().function(*arguments), or the function itself where the program has no such class.

        Args:
            program: its text.
            function: name of the function or method.
            arguments: JSON values.
            limits: what the run may use.
        """
        return self._run(program, b"", limits or Limits(), function, arguments)

    def _run(self, program: str, stdin: bytes, limits: Limits, function: str | None, arguments: list[Any]) -> Run:
        job = {
            "program": program,
            "function": function,
            "arguments": arguments,
            "names": lent_names(),
            "packages": [PACKAGES],
            "recursion_limit": RECURSION_LIMIT,
            "limits": self._limits(limits),
            "integer_digits": INTEGER_DIGITS,
        }
        start = time.monotonic()
        try:
            with adopting_orphans(), ExitStack() as ours, ExitStack() as childs:
                reads = {name: _pipe(ours, childs) for name in ("stdout", "stderr", "report", "status")}
                files = {
                    "stdin": _sealed(childs, stdin),
                    "job": _sealed(childs, marshal.dumps((self._code, job))),
                    "filter": _sealed(childs, self._filter),
                }
                writes = {name: write for name, (_, write) in reads.items()}
                gate, held = os.pipe2(os.O_CLOEXEC)
                childs.callback(os.close, gate)
                childs.callback(os.close, held)
                process = subprocess.Popen(
                    self._command(limits, files, writes, gate),
                    stdin=files["stdin"],
                    stdout=writes["stdout"],
                    stderr=writes["stderr"],
                    pass_fds=[files["job"], files["filter"], writes["report"], writes["status"], gate],
                    # of the controller's environment nothing: the first process inside keeps it where it can be read
                    env=_ENVIRONMENT,
                    cwd="/",
                    # a process group of its own, which can be killed as one; Ctrl-C is the controller's to handle
                    start_new_session=True,
                )
                with _keeper(os.getpid()).watching(process.pid):
                    with contextlib.suppress(BrokenPipeError):  # it has ended already; supervise says how
                        os.write(held, _GATE)
                    childs.close()
                    channels = Channels(**{name: read for name, (read, _) in reads.items()})
                    return supervise(process, channels, limits, start)
        except OSError as error:
            return Run(CodeVerdict.SANDBOX_ERROR, detail=f"bubblewrap did not start: {error.strerror or error}")

    def _limits(self, limits: Limits) -> list[tuple[str, int, int]]:
        """Soft and hard limits of every process, by the names of the module resource."""
        same = {
            "RLIMIT_AS": limits.memory_bytes,
            "RLIMIT_FSIZE": limits.file_bytes,
            "RLIMIT_NOFILE": _OPEN_FILES,
            "RLIMIT_NPROC": limits.processes + self._others,
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
        }
        # a second between the soft and the hard limit: the kernel says SIGXCPU at the first and SIGKILL at the second
        return [
            *((name, value, value) for name, value in same.items()),
            ("RLIMIT_CPU", limits.cpu_seconds, limits.cpu_seconds + 1),
            ("RLIMIT_STACK", _STACK, resource.RLIM_INFINITY),
        ]

    def _command(self, limits: Limits, files: dict[str, int], writes: dict[str, int], gate: int) -> list[str]:
        if self._as_root:
            uid = UNPRIVILEGED[next(self._turn) % len(UNPRIVILEGED)]
            who = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
            drop = ["/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all"]
        else:
            who, drop = ["--unshare-user", "--uid", "1000", "--gid", "1000"], []
        return [
            # --unshare-uts comes through the gate, and --hostname is refused without it
            self._bwrap,
            "--args",
            str(gate),
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
            "--unshare-cgroup-try",
            "--hostname",
            "sandbox",
            "--die-with-parent",
            "--new-session",
            "--cap-drop",
            "ALL",
            *who,
            "--seccomp",
            str(files["filter"]),
            "--json-status-fd",
            str(writes["status"]),
            *self._root,
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--perms",
            "1777",
            "--size",
            str(_SHARED_MEMORY),
            "--tmpfs",
            "/dev/shm",
            "--perms",
            "1777",
            "--size",
            str(limits.file_bytes),
            "--tmpfs",
            "/tmp",
            "--remount-ro",
            "/dev",
            "--remount-ro",
            "/",
            "--chdir",
            "/tmp",
            "--",
            *drop,
            interpreter(),
            "-S",
            "-s",
            "-P",
            "-B",
            "-c",
            _START.format(job=files["job"], report=writes["report"]),
        ]

    def _self_test(self) -> None:
        run = self.run(_SELF_TEST, limits=Limits(cpu_seconds=20, wall_seconds=60))
        said = run.stdout.decode("utf-8", "replace").strip()
        if run.verdict is CodeVerdict.OK and said == "contained":
            return
        if run.verdict is CodeVerdict.OK:
            raise UnavailableError(f"the code sandbox does not contain programs here: {said}; use another machine")
        raise UnavailableError(f"bubblewrap cannot start here: {run.detail}; {_remedy(run.detail)}")


@cache
def _keeper(_process: int) -> Keeper:
    """One for all sandboxes of a process (not of one that forked it too); it ends with that."""
    return Keeper()


def _remedy(detail: str) -> str:
    """What to do about the last line bubblewrap, or the interpreter inside, said."""
    if "Unknown option" in detail:
        return "install bubblewrap 0.7 or newer"
    if "setpriv" in detail:
        return "root must be able to become another user, and setpriv must be the one of util-linux"
    if re.search(r"namespace|uid map|[Pp]ermi|mount|proc", detail):
        return (
            "allow user namespaces (Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; "
            "Docker: --security-opt seccomp=unconfined --security-opt systempaths=unconfined)"
        )
    return "try `bwrap --unshare-all --ro-bind / / true`"


def _pipe(ours: ExitStack, childs: ExitStack) -> tuple[int, int]:
    read, write = os.pipe2(os.O_CLOEXEC)
    ours.callback(os.close, read)
    childs.callback(os.close, write)
    return read, write


def _sealed(stack: ExitStack, data: bytes) -> int:
    """A descriptor of a file in memory that nobody can change, at its start.

    A file and not a pipe: programs ask for the size of their input, and read all of it with one call.
    """
    made = os.memfd_create("dsafe", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    stack.callback(os.close, made)
    view = memoryview(data)
    while view:
        view = view[os.write(made, view) :]
    fcntl.fcntl(made, fcntl.F_ADD_SEALS, _SEALS)
    opened = os.open(f"/proc/self/fd/{made}", os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, opened)
    return opened


def _counts_processes_per_namespace() -> bool:
    """Since Linux 5.14 RLIMIT_NPROC counts the processes of a uid within a user namespace, not on the whole machine."""
    version = re.match(r"(\d+)\.(\d+)", platform.release())
    return version is not None and (int(version[1]), int(version[2])) >= (5, 14)


def _threads_of_this_user() -> int:
    """Threads that count against the limit from outside, and as many again for what starts later."""
    return 2 * sum(_threads(Path("/proc", name), os.getuid()) for name in os.listdir("/proc") if name.isdigit())


def _threads(process: Path, uid: int) -> int:
    try:
        return len(os.listdir(process / "task")) if process.stat().st_uid == uid else 0
    except OSError:
        return 0
