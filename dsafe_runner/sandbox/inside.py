r"""Runs inside the sandbox, in the program's own interpreter: sets the limits, starts the program, says how it went.

It reports `begun\n`, then `memory\n` or `result <json>`. From `begun` on everything in this process is at the program's
mercy, so nothing here is secret and nothing it says is believed: a result still has to equal the hidden one. The
program runs as the module __main__ and ends as programs do, threads and all.

Milliseconds count here, every run pays them: only modules that are built in or frozen are imported, and `compile` is
not called, which makes a hundred classes of syntax trees first.
"""

from __future__ import annotations

import builtins
import posix
import sys

TYPE_CHECKING = False  # by hand: importing `typing` is the very cost this module avoids
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_DYNAMIC = {"eval", "exec", "globals", "locals", "vars"}


def main(job: dict[str, Any], report: int, execute: Callable[[str, dict[str, Any]], None]) -> None:
    """Run one program.

    Args:
        job: what bubblewrap.py says.
        report: descriptor to report on.
        execute: the builtin `exec`, called where no __future__ import is in force: the program would inherit it.
    """
    limit(job["limits"])
    builtins.exit, builtins.quit = _quitters()
    sys.argv[:] = ["program.py"]
    sys.path += job["packages"]
    sys.setrecursionlimit(job["recursion_limit"])
    sys.set_int_max_str_digits(job["integer_digits"])
    function, program = job["function"], job["program"]
    module = type(sys)("__main__" if function is None else "solution")
    sys.modules[module.__name__] = module
    namespace = module.__dict__
    namespace["__builtins__"] = builtins
    posix.write(report, b"begun\n")
    failed = False
    try:
        lend(program, namespace, job["names"])
        execute(program, namespace)
        if function is not None:
            call(namespace, function, job["arguments"], report)
    except SystemExit:
        # whatever its status, as in the official grader; of a called function it means that there is no result
        failed = function is not None
    except MemoryError:
        posix.write(report, b"memory\n")
        failed = True
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        failed = True
    if failed:
        sys.exit(1)


def limit(limits: list[tuple[str, int, int]]) -> None:
    """Set soft and hard limits that no child can raise again; be the first to go when memory runs out."""
    import resource

    for name, soft, hard in limits:
        number = getattr(resource, name)
        highest = resource.getrlimit(number)[1]
        if highest != resource.RLIM_INFINITY:
            hard = min(hard, highest) if hard != resource.RLIM_INFINITY else highest
            soft = min(soft, hard)
        resource.setrlimit(number, (soft, hard))
    file = posix.open("/proc/self/oom_score_adj", posix.O_WRONLY)
    posix.write(file, b"1000")
    posix.close(file)


def lend(program: str, namespace: dict[str, Any], names: str) -> None:
    """Bind the prelude's names that the program uses without having them (see prelude.lent_names)."""
    used = free_names(program)
    if used & _DYNAMIC:
        used = {line.split(" ")[0] for line in names.split("\n")}
    for name in used:
        at = names.find(f"\n{name} ")
        if at >= 0:
            _, module, attribute = names[at + 1 : names.index("\n", at + 1)].split(" ")
            found = __import__(module)
            namespace[name] = getattr(found, attribute) if attribute else found


def free_names(program: str) -> set[str]:
    """Global names that the program reads somewhere and no global statement of it binds."""
    # what `symtable` wraps; that one costs milliseconds
    import _symtable  # type: ignore[import-not-found]

    top = _symtable.symtable(program, "<string>", "exec")
    scopes, used = [top], set()
    global_scope = {_symtable.GLOBAL_IMPLICIT, _symtable.GLOBAL_EXPLICIT}
    while scopes:
        scope = scopes.pop()
        scopes += scope.children
        for name, flags in scope.symbols.items():
            if flags >> _symtable.SCOPE_OFF & _symtable.SCOPE_MASK in global_scope:
                used.add(name)
    used -= {name for name, flags in top.symbols.items() if flags & _symtable.DEF_BOUND}
    for line in program.splitlines():
        left, equal, right = line.partition("=")
        # `count = count(1)` reads the name before it binds it
        if equal and left.strip() in right:
            used.add(left.strip())
    return used


def call(namespace: dict[str, Any], function: str, arguments: list[Any], report: int) -> None:
    """Call Solution().function, or the function itself where there is no such class, and report what it returns."""
    solution = namespace["Solution"]() if "Solution" in namespace else None
    found = namespace[function] if solution is None else getattr(solution, function)
    result = found(*arguments)
    # only at the top: LiveCodeBench does not punish a tuple there, and does further down
    text = encode(list(result) if isinstance(result, tuple) else result)
    data = memoryview(f"result {text}".encode())
    while data:
        data = data[posix.write(report, data) :]
    # nothing the program left running can change the result
    posix._exit(0)


def encode(value: Any) -> str:
    """A value as JSON that keeps apart what Python's == keeps apart: tuples, dicts with keys of any kind, the rest."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        text = float.__repr__(value)
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)
    if isinstance(value, str):
        from _json import encode_basestring_ascii

        return str(encode_basestring_ascii(value))
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    if isinstance(value, tuple):
        return '{"tuple":[' + ",".join(map(encode, value)) + "]}"
    if isinstance(value, dict):
        return '{"dict":[' + ",".join(f"[{encode(key)},{encode(item)}]" for key, item in value.items()) + "]}"
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return encode(value.item())
    return '{"other":true}'


def _quitters() -> tuple[Any, Any]:
    """`exit` and `quit`, which come from the module site that is not loaded."""
    from _sitebuiltins import Quitter

    return Quitter("exit", ""), Quitter("quit", "")
