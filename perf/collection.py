"""What a check costs: collection, and a whole decided run from a filled store, against the bare pytest floor.

    python perf/collection.py [--pairs 3] [--quick]

Suite: starter/mcq (37 slices) x 16 models x (two limits of their own + one against each of the others), written out
one threshold entry per model and pair: 10,064 checks, 88 % of them comparisons of two models, the dearest kind. The
store is filled beforehand, through the product's own planning, with a random letter per model and item, so nothing is
measured in the timed runs. Floor: an 18-line pytest plugin that turns the entries of a YAML list into items (C loader)
and compares two numbers in each.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

import pairs
from pairs import Spent, child

from dsafe_runner.plan import make_plan
from dsafe_runner.records import Response
from dsafe_runner.runner.prepare import prepare
from dsafe_runner.runner.store import FileHashes, Store
from dsafe_runner.suite.load import load_suite

FLOOR = """
import pytest, yaml
from yaml import CSafeLoader

def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".floor":
        return Floor.from_parent(parent, path=file_path)

class Floor(pytest.File):
    def collect(self):
        for row in yaml.load(self.path.read_text(), CSafeLoader):
            yield Item.from_parent(self, name=row["name"], row=row)

class Item(pytest.Item):
    def __init__(self, *, row, **kwargs):
        super().__init__(**kwargs)
        self.row = row
    def runtest(self):
        assert self.row["value"] >= self.row["min"]
"""
HEAD = """suite: {name}
engines:
  cpu: {{backend: transformers, device: cpu, dtype: float32, threads: 1}}
models:
{models}
benchmarks:
  mcq: {{use: starter/mcq, scoring: letters}}
thresholds:
"""
IMPORT = """
import pytest, time
begun = time.process_time()
import dsafe_runner.plugin
print(time.process_time() - begun)
import sys
print(sorted(set(sys.modules) & {"torch", "pydantic", "rich", "transformers"}))
"""


def write_suite(file: Path, count: int) -> int:
    """A suite of `count` models in which every check holds; returns their number."""
    names = [f"m{i:02d}" for i in range(count)]
    # a system prompt of its own makes each name another model to the store
    lines = [f"  {name}: {{path: ./model, engine: cpu, system_prompt: {name}}}" for name in names]
    per = ", per: [overall, area, category]" if count > 1 else ""
    text = HEAD.format(name=file.name.split(".")[0], models="\n".join(lines))
    for name in names:
        text += f"  - {{benchmark: mcq, metric: acc, model: {name}, min: 0.01{per}}}\n"
        for other in names:
            if other != name:
                limits = f"versus: {other}, max_drop: 0.99{per}"
                text += f"  - {{benchmark: mcq, metric: acc, model: {name}, {limits}}}\n"
    file.write_text(text)
    return count * count * 37 if count > 1 else 1


def fill_store(folder: Path, suite: str) -> None:
    """Put an answer to everything the suite asks into the store that pytest will use."""
    plan, dice = make_plan(load_suite(folder / suite)), random.Random(0)
    with Store(folder / ".dsafe" / "store.sqlite") as store:
        for job in prepare(plan, plan.checks, store, hashes=FileHashes(store), download=False).jobs:
            for request in job.pending:
                chosen = dice.choice(request.letters)
                scores = {letter: -0.1 if letter == chosen else -9.0 for letter in request.letters}
                store.put(Response(request.key, request.sample_id, request.k, chosen, letter_logprobs=scores))


def write_floor(file: Path, count: int) -> None:
    file.write_text("".join(f"- {{name: check-{i}, value: 0.5, min: 0.25}}\n" for i in range(count)))


def pytest_run(folder: Path, target: str, count: int, *flags: str) -> Spent:
    """One pytest process over one file; exits unless exactly `count` checks were collected or passed."""
    plugin = "floor" if target.endswith(".floor") else "dsafe_runner.plugin"
    python = f"{folder}:{Path(__file__).resolve().parent.parent}"
    spent = child(
        [sys.executable, "-m", "pytest", "-p", plugin, *flags, target],
        folder=folder,
        log="pytest.log",
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        PYTHONPATH=python,
    )
    said = (folder / "pytest.log").read_text()
    if f"{target}: {count}" not in said and f"{count} passed" not in said:
        sys.exit(f"{said[-3000:]}\n{target}: {count} checks were expected")
    return spent


def import_seconds(folder: Path, times: int) -> list[float]:
    """CPU-seconds of `import dsafe_runner.plugin` after `import pytest`; exits where it pulls in something heavy."""
    found = []
    for _ in range(times + 1):
        child(
            [sys.executable, "-c", IMPORT],
            folder=folder,
            log="import.log",
            PYTHONPATH=str(Path(__file__).resolve().parent.parent),
        )
        seconds, heavy = (folder / "import.log").read_text().splitlines()[:2]
        if heavy != "[]":
            sys.exit(f"import dsafe_runner.plugin pulls in {heavy}")
        found.append(float(seconds))
    return found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options = pairs.options(parser)
    pairs.head("pytest", "pydantic", "ruamel.yaml")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"model behind all names: {pairs.build_model('tiny', folder / 'model')}")
        (folder / "floor.py").write_text(FLOOR)
        (folder / "pytest.ini").write_text("[pytest]\n")
        many = write_suite(folder / "many.safety.yaml", 3 if options.quick else 16)
        write_suite(folder / "few.safety.yaml", 1)
        write_floor(folder / "many.floor", many)
        write_floor(folder / "few.floor", 2)
        fill_store(folder, "many.safety.yaml")  # `few` asks a part of it
        for target, count in (("few.safety.yaml", 2), ("few.floor", 2)):
            pytest_run(folder, target, count, "-q")  # bytecode and file caches
        sides = {
            f"{kind}, {what}": lambda target=target, count=count, flags=flags: pytest_run(folder, target, count, *flags)
            for what, flags in (("collect", ("-qq", "--collect-only")), ("run", ("-q",)))
            for kind, target, count in (
                ("floor 2", "few.floor", 2),
                ("ours 2", "few.safety.yaml", 2),
                (f"floor {many}", "many.floor", many),
                (f"ours {many}", "many.safety.yaml", many),
            )
        }
        spent = pairs.rounds(sides, options.pairs)
        if any("model-start" in log.read_text() for log in folder.glob("reports/*/events.jsonl")):
            sys.exit("an engine was started in a timed run: the store did not hold what was asked")
        imports = import_seconds(folder, 3 if options.quick else 7)
    report(spent, many, imports)
    pairs.foot()


def report(spent: dict[str, list[Spent]], many: int, imports: list[float]) -> None:
    print("\n| what | CPU-s, median (range) | wall s | peak MiB |\n|---|---|---|---|")
    for name, found in spent.items():
        cpu = [s.cpu for s in found]
        wall, peak = statistics.median(s.wall for s in found), max(s.peak for s in found)
        print(f"| {name} | {_show(cpu, '.2f')} | {wall:.2f} | {peak:.0f} |")

    def paired(ours: str, floor: str, scale: float = 1.0) -> list[float]:
        return [(a.cpu - b.cpu) * scale for a, b in zip(spent[ours], spent[floor], strict=True)]

    each = 1000 / (many - 2)
    collected = paired(f"ours {many}, collect", "floor 2, collect")
    rows = [
        (f"collect {many} checks, beyond bare pytest's start, s", collected, "< 2 (for 10,000)"),
        ("a check in a decided run, all in, ms", paired(f"ours {many}, run", "ours 2, run", each), "<= 1"),
        ("the same of the bare floor, ms", paired(f"floor {many}, run", "floor 2, run", each), "-"),
        ("start-up of our collection (two checks), s", [s.cpu for s in spent["ours 2, collect"]], "<= 1"),
        ("start-up of a decided run, nothing to measure (two checks), s", [s.cpu for s in spent["ours 2, run"]], "-"),
        ("start-up of the bare floor, s", [s.cpu for s in spent["floor 2, run"]], "-"),
        ("import dsafe_runner.plugin after pytest, ms", [s * 1000 for s in imports], "< 30"),
    ]
    print("\n| | median (range) | aim |\n|---|---|---|")
    for what, values, aim in rows:
        print(f"| {what} | {_show(values, '.2f')} | {aim} |")


def _show(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


if __name__ == "__main__":
    main()
