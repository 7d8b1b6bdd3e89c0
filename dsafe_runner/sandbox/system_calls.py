"""The system calls a program may not make: a seccomp filter, written out as the kernel's own instructions.

Namespaces hide files, processes and the network; this closes what they leave open: vsock and other socket families
(a virtual machine's host answers on vsock), namespaces of its own, the user's keyrings, memory outside every limit
(System V segments, memfd), and the rarely used parts of the kernel where its holes are found.
Refused calls fail with an error the program can see; only a foreign instruction set ends it.
"""

from __future__ import annotations

import errno
import platform
import struct

from dsafe_runner.errors import UnavailableError

_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""AUDIT_ARCH of each machine, and its column in the tables of numbers (linux/audit.h)."""

_REFUSED = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    # mounts and namespaces
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    # keyrings
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # memory that no limit of a process counts
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    # parts of the kernel no such program needs
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "vhangup": (153, 58),
    "modify_ldt": (154, None),
    "iopl": (172, None),
    "ioperm": (173, None),
    "uselib": (134, None),
}
_CLONE, _CLONE3, _IOCTL = (56, 220), (435, 435), (16, 29)
_SOCKET, _SOCKETPAIR = (41, 198), (53, 199)
_NEWEST = 466
"""Calls after this one are unknown to this table: the kernel is said not to have them."""

_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET
_AF_UNIX = 1
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into the terminal of whoever started us

_LOAD, _EQUAL, _ABOVE, _BITS, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH, _ARGUMENT = 0, 4, (16, 24)  # offsets in struct seccomp_data; low words, both machines are little endian


def filter_program(machine: str | None = None) -> bytes:
    """The filter as an array of struct sock_filter, for `bwrap --seccomp`.

    Raises:
        UnavailableError: the numbers of this machine's system calls are not in the table.
    """
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        raise UnavailableError(
            f"the code sandbox knows the system calls of {' and '.join(_MACHINES)}, not of {machine}; "
            "run code benchmarks on one of those"
        )
    arch, column = _MACHINES[machine]
    refuse = _refuse(errno.EPERM)
    code = [_step(_LOAD, _ARCH), _step(_EQUAL, arch, 1, 0), _step(_RETURN, _KILL), _step(_LOAD, _NUMBER)]
    # covers the x32 calls of x86_64 too, which have a bit above all others
    code += [_step(_ABOVE, _NEWEST, 0, 1), _refuse(errno.ENOSYS)]
    # libc asks for clone3 first, whose flags lie in memory no filter can read, and then falls back to clone
    code += [_step(_EQUAL, _CLONE3[column], 0, 1), _refuse(errno.ENOSYS)]
    for numbers in _REFUSED.values():
        if (number := numbers[column]) is not None:
            code += [_step(_EQUAL, number, 0, 1), refuse]
    code += [
        _step(_EQUAL, _CLONE[column], 0, 4),
        _step(_LOAD, _ARGUMENT[0]),
        _step(_BITS, _NEW_NAMESPACES, 0, 1),
        refuse,
        _step(_RETURN, _ALLOW),
    ]
    for call in (_SOCKET, _SOCKETPAIR):
        code += [
            _step(_EQUAL, call[column], 0, 4),
            _step(_LOAD, _ARGUMENT[0]),
            _step(_EQUAL, _AF_UNIX, 1, 0),
            _refuse(errno.EAFNOSUPPORT),
            _step(_RETURN, _ALLOW),
        ]
    code += [
        _step(_EQUAL, _IOCTL[column], 0, 4),
        _step(_LOAD, _ARGUMENT[1]),
        _step(_EQUAL, _TERMINAL_INPUT[0], 1, 0),
        _step(_EQUAL, _TERMINAL_INPUT[1], 0, 1),
        refuse,
    ]
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One struct sock_filter; the jumps count instructions to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(error: int) -> bytes:
    return _step(_RETURN, _ERRNO | error)
