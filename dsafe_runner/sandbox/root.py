"""What a program sees of the file system: this interpreter, its standard library, the C library, and numpy. Read-only.

Not the interpreter's site-packages, no other program, no shell, nothing of /etc, /home, /root, /var. numpy is there
because programs for contest problems use it, mounted on its own from where this package finds it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

PACKAGES = "/packages"
"""Where numpy lies, inside."""

_SYSTEM = ("/lib", "/lib64", "/usr/lib64", "/nix/store")


def interpreter() -> str:
    """The interpreter below any virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def root_arguments(*programs: str) -> list[str]:
    """The arguments of bubblewrap that build the file system; paths are those of the host.

    Args:
        programs: further executables, mounted as /<name>.
    """
    arguments: list[str] = []
    places: set[Path] = set()
    prefix = Path(os.path.realpath(sys.base_prefix))
    standard = Path(os.path.realpath(sysconfig.get_path("stdlib", vars=_base(prefix))))

    def show(source: Path, place: Path) -> None:
        if any(place == seen or seen in place.parents for seen in places):
            return
        for parent in reversed(place.parents[:-1]):  # said, because unsaid ones are for their owner only
            arguments.extend(["--dir", str(parent)])
        arguments.extend(["--ro-bind", str(source), str(place)])
        places.add(place)

    for path in (*map(Path, _SYSTEM), _libraries()):
        if path.is_symlink():
            arguments += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            show(path, path)
    own = () if prefix == Path("/usr") else (prefix / "lib", prefix / "lib64")
    for path in (*own, standard):
        if path.is_dir():
            show(path.resolve(), path.resolve())
    show(Path(interpreter()), Path(interpreter()))
    for path in _installed(prefix, standard):
        if any(seen in path.parents for seen in places):
            arguments += ["--size", "4096", "--tmpfs", str(path), "--remount-ro", str(path)]
    for path in _numpy():
        show(path, Path(PACKAGES, path.name))
    for program in programs:
        show(Path(os.path.realpath(program)), Path("/", Path(program).name))
    return arguments


def _libraries() -> Path:
    """Where the system keeps shared libraries: Debian has a folder of their own for them, others do not."""
    own = Path("/usr/lib", sysconfig.get_config_var("MULTIARCH") or "")
    return own if own.is_dir() else Path("/usr/lib")


def _base(prefix: Path) -> dict[str, str]:
    """Variables that make sysconfig speak of the interpreter below a virtual environment."""
    return {name: str(prefix) for name in ("base", "platbase", "installed_base", "installed_platbase")}


def _installed(prefix: Path, standard: Path) -> list[Path]:
    """Where packages are installed for this interpreter: hidden, the project itself may be among them."""
    named = {sysconfig.get_path(name, vars=_base(prefix)) for name in ("purelib", "platlib")}
    places = {Path(name).resolve() for name in named}
    places |= {standard / "site-packages", standard / "dist-packages", Path("/usr/lib/python3/dist-packages")}
    return sorted(path for path in places if path.is_dir())


def _numpy() -> list[Path]:
    """Folders of numpy and of the libraries it brings; nothing where it is not installed."""
    spec = importlib.util.find_spec("numpy")
    if spec is None or not spec.submodule_search_locations:
        return []
    home = Path(spec.submodule_search_locations[0]).resolve()
    return [path for path in (home, home.parent / "numpy.libs") if path.is_dir()]
