"""How often each way to decide blocks a suite, with and without a change. Through the product's own code.

    python perf/decision_errors.py [--runs 500] [--seed 0]

One suite: 31 categories, 5 areas and the whole of chisafetybench/mcq (1,567 items), accuracy against a reference. The
items are drawn anew in every run: the reference is right as often as DeepSeek-R1-Distill-Qwen-14B is in that area
(counts of the paper's table 1), the candidate agrees with it as `phi` says (0: independent, 1: identical). How often
real runs differ is not published, so phi is assumed: 0.95 a greedy rerun, 0.75 a rerun at temperature 0.6, 0.5 a new
fine-tune, 0.2 another model of the same quality. The category that drops is another one in every run. The rules at the
top are what other tools do; all see the same answers.

Then the time of the decisions alone.
"""

from __future__ import annotations

import argparse
import random
import time
from statistics import NormalDist

from dsafe_runner.benchmarks.registry import open_benchmark
from dsafe_runner.records import Status
from dsafe_runner.statistics.sign_test import sign_test
from dsafe_runner.verdicts.gate import relative
from dsafe_runner.verdicts.guards import Guard, decide_guards
from dsafe_runner.vocabulary import Rule

RATES = {
    "discrimination": 298 / 460,
    "core-values": 356 / 399,
    "commercial": 230 / 254,
    "rights": 313 / 355,
    "reliability": 86 / 99,
}
CATEGORY = "one of 31"
SCENARIOS = {
    # name: (phi, slice that drops or None, by how much)
    "rerun, greedy": (0.95, None, 0.0),
    "rerun, T 0.6": (0.75, None, 0.0),
    "new fine-tune": (0.5, None, 0.0),
    "other model": (0.2, None, 0.0),
    "category -20": (0.5, CATEGORY, 0.20),
    "category -30": (0.5, CATEGORY, 0.30),
    "category -44": (0.5, CATEGORY, 0.44),
    "area DI -8": (0.5, "discrimination", 0.08),
    "all -3": (0.5, "", 0.03),
    "all -5": (0.5, "", 0.05),
}
UNCHANGED = 4
LIMITS = {"overall": 0.03, "area": 0.06, "category": 0.10}


def draw(rng, slices, phi, where, drop):
    """Tallies (ours, theirs) of every slice."""
    where = rng.choice(list(slices)) if where == CATEGORY else where
    sides = {}
    for name, n in slices.items():
        area = name.partition(".")[0]
        right = RATES[area]
        lose = drop / right if where is not None and name.startswith(where) else 0.0
        ours, theirs = [], []
        for _ in range(n):
            reference = rng.random() < right
            candidate = rng.random() < (right + phi * (1 - right) if reference else right * (1 - phi))
            ours.append((int(candidate and not rng.random() < lose), 0))
            theirs.append((int(reference), 0))
        sides[name] = ours, theirs
    for area in RATES:
        parts = [side for name, side in sides.items() if name.startswith(area + ".")]
        sides[area] = tuple([pair for part in parts for pair in part[side]] for side in (0, 1))
    sides["overall"] = tuple([pair for area in RATES for pair in sides[area][side]] for side in (0, 1))
    return sides


def level(name):
    return "overall" if name == "overall" else "category" if "." in name else "area"


def drop_of(side):
    ours, theirs = side
    return (sum(yes for yes, _ in theirs) - sum(yes for yes, _ in ours)) / len(ours)


def unpaired_p(side):
    ours, theirs = (sum(yes for yes, _ in half) for half in side)
    n = len(side[0])
    pooled = (ours + theirs) / (2 * n)
    spread = (2 * pooled * (1 - pooled) / n) ** 0.5
    return 2 * NormalDist().cdf((ours - theirs) / n / spread) if spread else 1.0


def paired_p(side):
    moved = [a - b for (a, _), (b, _) in zip(*side, strict=True)]
    return sign_test({(-1, 1): moved.count(-1), (1, 1): moved.count(1)})[0]


def blocked(sides, every):
    """Rule -> whether it blocks."""
    categories = {name: side for name, side in sides.items() if level(name) == "category"}
    drops = [drop_of(side) for side in categories.values()]
    ps = sorted(paired_p(side) for side in categories.values())
    m = len(ps)
    found = {
        "any category down > 2 pp (peers)": max(drops) > 0.02 + 1e-9,
        "any category down > 10 pp": max(drops) > 0.10 + 1e-9,
        "any category down > 20 pp": max(drops) > 0.20 + 1e-9,
        "overall down > 2 pp only": drop_of(sides["overall"]) > 0.02,
        "unpaired z, any category p < .05": min(unpaired_p(side) for side in categories.values()) < 0.05,
        "McNemar, any category p < .05": ps[0] <= 0.05,
        "McNemar + Benjamini-Hochberg": any(p <= 0.05 * (i + 1) / m for i, p in enumerate(ps)),
        "McNemar + Holm": ps[0] <= 0.05 / m,
    }
    guards = {
        name: Guard(*side, tripwire=0.20 if level(name) == "category" else None)
        for name, side in sides.items()
        if name != "overall"
    }
    decided = decide_guards(guards)
    gate = relative(*sides["overall"], 1, Rule.DROP, LIMITS["overall"]).status
    if every:
        proven = all(
            relative(*side, 1, Rule.DROP, LIMITS[level(name)]).status is Status.PASS for name, side in sides.items()
        )
        found["all 37 must be proven"] = not proven
    found["dsafe: gate overall"] = gate is not Status.PASS
    found["dsafe: guards (36)"] = any(guard.family_p <= 0.05 for guard in decided.values())
    found["dsafe: gate + guards"] = found["dsafe: gate overall"] or found["dsafe: guards (36)"]
    found["dsafe: gate + guards + tripwire 20 pp"] = gate is not Status.PASS or any(
        guard.status is Status.FAIL for guard in decided.values()
    )
    return found


def table(runs, seed):
    slices = {name: n for name, n in open_benchmark("chisafetybench/mcq").offer.slices.items() if "." in name}
    counts = {}
    for column, (phi, where, drop) in enumerate(SCENARIOS.values()):
        rng = random.Random(f"{seed} {column}")
        for _ in range(runs):
            for rule, blocks in blocked(draw(rng, slices, phi, where, drop), column < UNCHANGED - 1).items():
                counts.setdefault(rule, [0] * len(SCENARIOS))[column] += blocks
    print(f"suites blocked, % of {runs} each (first {UNCHANGED}: false alarms; then: catches)\n")
    print(" " * 40 + "".join(f"{name:>15}" for name in SCENARIOS))
    for rule, row in counts.items():
        cells = [
            "-" if rule.startswith("all 37") and column >= UNCHANGED - 1 else f"{100 * count / runs:.1f}"
            for column, count in enumerate(row)
        ]
        print(f"{rule:40}" + "".join(f"{cell:>15}" for cell in cells))
    return draw(random.Random(seed), slices, 0.5, None, 0.0)


def speed(sides):
    """Seconds to decide 40 gates on 1,567 items each, and 2,000 checks of 54 models, all different."""
    rng = random.Random(1)

    def shuffled(side):
        ours, theirs = side
        ours = list(ours)
        for _ in range(len(ours) // 50):
            ours[rng.randrange(len(ours))] = (rng.randrange(2), 0)
        return ours, theirs

    gates = [shuffled(sides["overall"]) for _ in range(40)]
    start = time.process_time()
    for side in gates:
        relative(*side, 1, Rule.DROP, 0.03)
    print(f"\n40 gates of 1,567 items: {time.process_time() - start:.3f} CPU-s")
    models = [{name: shuffled(side) for name, side in sides.items()} for _ in range(54)]
    start = time.process_time()
    for model in models:
        relative(*model["overall"], 1, Rule.DROP, 0.03)
        decide_guards({name: Guard(*side) for name, side in model.items() if name != "overall"})
    count = 54 * len(sides)
    print(f"{count} checks of 54 models, guard families of 36: {time.process_time() - start:.2f} CPU-s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.process_time()
    speed(table(options.runs, options.seed))
    print(f"all in: {time.process_time() - start:.0f} CPU-s")


if __name__ == "__main__":
    main()
