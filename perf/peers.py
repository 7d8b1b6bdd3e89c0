"""The peers, each in a virtual environment of its own with pinned versions, all on the torch and transformers we use.

    python perf/peers.py [--peers .perf-venvs] [lm-eval inspect evalscope]

About 2 GB and 2 minutes each. Scripts that need a peer say so where it is absent; nothing is installed on the way.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from pathlib import Path

DEFAULT = Path(__file__).resolve().parent.parent / ".perf-venvs"
SHARED = ("torch==2.13.0", "transformers==5.19.0", "accelerate==1.15.0")
PINS: dict[str, tuple[str, ...]] = {
    "lm-eval": ("lm-eval==0.4.13",),
    "inspect": ("inspect_ai==0.3.285",),
    "evalscope": ("evalscope==1.14.1",),
}
_INSTALLED = ".installed"


def python_of(folder: Path, name: str) -> Path:
    """The interpreter of a peer; exits with what to do where it is not installed."""
    python = folder / name / "bin" / "python"
    if not (folder / name / _INSTALLED).exists():
        sys.exit(f"{name} is not installed under {folder}; run: python perf/peers.py --peers {folder} {name}")
    return python


def version(name: str) -> str:
    """Its pinned version."""
    return PINS[name][0].replace("==", " ")


def install(folder: Path, name: str) -> None:
    """Make the environment of one peer; done before is done."""
    home = folder / name
    wanted = " ".join((*SHARED, *PINS[name]))
    mark = home / _INSTALLED
    if mark.exists() and mark.read_text() == wanted:
        print(f"{name}: there already")
        return
    venv.create(home, with_pip=True, clear=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # torch alone first: where a CPU build is at hand, a later resolution keeps it
    subprocess.run([*pip, SHARED[0]], check=True)
    subprocess.run([*pip, *SHARED, *PINS[name]], check=True)
    mark.write_text(wanted)
    print(f"{name}: installed {wanted}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--peers", type=Path, default=DEFAULT)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PINS))
    options = parser.parse_args()
    for name in options.names or PINS:
        install(options.peers, name)


if __name__ == "__main__":
    main()
