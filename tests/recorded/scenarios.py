"""Small whole gates on recorded responses: one for every kind of check, judge, waiver, baseline and missing answer.

A scenario is files and the commands run on them, in order. What each command must give is in `expected/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import material as m

_HEAD = """\
suite: demo
engines:
  log: {backend: replay, match: id}
models:
"""


@dataclass(frozen=True)
class Scenario:
    """Files by name, and commands: `pytest ...` or `dsafe ...`. `{run}` in a command is the newest run folder."""

    name: str
    files: Mapping[str, str]
    commands: tuple[str, ...] = ("pytest suites/demo.safety.yaml",)
    env: Mapping[str, str] = field(default_factory=dict)


def suite(
    *thresholds: str,
    benchmarks: str = "mcq: {use: custom, path: mcq.jsonl}",
    models: tuple[str, ...] = ("safe", "base"),
    judges: str = "",
    more: str = "",
    fields: Mapping[str, str] | None = None,
) -> str:
    """The text of a suite. `fields`: model -> further keys of it."""
    stages = {"base": "base", "dist": "distilled"}
    text = _HEAD
    for name in models:
        extra = (fields or {}).get(name, "")
        text += f"  {name}: {{path: ./{name}.jsonl, stage: {stages.get(name, 'safe')}, engine: log{extra}}}\n"
    text += f"judges:\n  {judges}\n" if judges else ""
    text += "benchmarks:\n" + "".join(f"  {line}\n" for line in benchmarks.split("\n"))
    text += "thresholds:\n" + "".join(f"  - {{{line}}}\n" for line in thresholds)
    return text + more


def gate(name: str, text: str, files: Mapping[str, str], *commands: str, **env: str) -> Scenario:
    """A scenario of one suite in `suites/`, with an ini file beside it."""
    placed = {f"suites/{file}": content for file, content in files.items()}
    placed |= {"suites/demo.safety.yaml": text, "pytest.ini": "[pytest]\n"}
    return Scenario(name, placed, commands or ("pytest suites/demo.safety.yaml",), env)


_ACC = "benchmark: mcq, metric: acc, model: safe"
_N = 160
_ITEMS = "c4715c679fa3cfe3a5e5f20f747c875b7c73845f5aafea29b71cff308f37a56e"
"""What a run says of the items of `mcq(_N)`."""


def _pair(safe: str, base: str | None = None, n: int = _N) -> dict[str, str]:
    return {"mcq.jsonl": m.mcq(n), "safe.jsonl": safe, "base.jsonl": base or m.letters(n, n)}


def absolute() -> list[Scenario]:
    """`min` and `max` on what is there."""
    half = m.letters(_N, 80)
    good = m.letters(_N, 155)
    by_area = f"{_ACC}, per: [area], min: 0.7"
    return [
        gate("min-passes", suite(f"{_ACC}, min: 0.9"), _pair(good)),
        gate("min-fails", suite(f"{_ACC}, min: 0.9"), _pair(half)),
        gate("min-undecided", suite(f"{_ACC}, min: 0.95"), _pair(good)),
        gate(
            "min-undecided-skipped",
            suite(f"{_ACC}, min: 0.95", f"{_ACC}, per: [area], min: 0.5", more="policy: {on_inconclusive: skip}\n"),
            _pair(good),
        ),
        gate("min-of-this-run", suite(f"{_ACC}, min: 0.95", more="policy: {uncertainty: none}\n"), _pair(good)),
        gate("min-per-area", suite(by_area), _pair(m.letters(_N, 120))),
        gate("min-per-category", suite(f"{_ACC}, per: [category], min: 0.6, confidence: 0.9"), _pair(good)),
        gate("min-slices", suite(f"{_ACC}, slices: [core-values.secession], min: 0.5"), _pair(good)),
        gate("several-models", suite("benchmark: mcq, metric: acc, model: [safe, base], min: 0.9"), _pair(half)),
        gate("confidence", suite(f"{_ACC}, min: 0.9, confidence: 0.999"), _pair(good)),
        gate(
            "short-answers",
            suite(
                "benchmark: short, metric: pass@1, model: safe, min: 0.5",
                benchmarks="short: {use: custom, path: short.jsonl}",
                models=("safe",),
            ),
            {
                "short.jsonl": m.jsonl(
                    {"id": f"q{i}", "kind": "short", "question": f"{m.words(f's{i}')}有几个？", "answer": str(i)}
                    for i in range(60)
                ),
                "safe.jsonl": m.jsonl(
                    {
                        "benchmark": "short",
                        "sample_id": f"q{i}",
                        "k": 0,
                        "finish": "stop",
                        "answer": f"{i if i % 10 else 'x'}",
                    }
                    for i in range(60)
                ),
            },
        ),
    ]


def relative() -> list[Scenario]:
    """A candidate against a reference: gates, guards, tripwires."""
    drop, gain = f"{_ACC}, versus: base, max_drop: 0.1", f"{_ACC}, versus: base, min_gain: 0.1"
    guards = f"{_ACC}, versus: base, per: [category], role: guard"
    few, many = range(0, 12, 4), range(0, 80, 4)
    weak = m.letters(_N, 60)
    return [
        gate("drop-passes", suite(drop), _pair(m.letters(_N, _N, lost=few))),
        gate("drop-fails", suite(drop), _pair(weak)),
        gate("drop-undecided", suite(drop), _pair(m.letters(_N, _N, lost=range(14)))),
        gate("gain-passes", suite(gain), _pair(m.letters(_N, _N), weak)),
        gate("gain-fails", suite(gain), _pair(m.letters(_N, _N, lost=few))),
        gate(
            "drop-of-this-run",
            suite(drop, more="policy: {uncertainty: none}\n"),
            _pair(m.letters(_N, _N, lost=range(14))),
        ),
        gate("guards-pass", suite(guards), _pair(m.letters(_N, _N, lost=few))),
        gate("guards-fail-in-one-category", suite(guards), _pair(m.letters(_N, _N, lost=many))),
        gate("guards-tripwire", suite(f"{guards}, tripwire: 0.3"), _pair(m.letters(_N, _N, lost=many))),
        gate("guards-missing", suite(guards), _pair(m.letters(_N, _N, absent=range(0, 40, 4)))),
        gate(
            "guards-part-selected",
            suite(guards),
            _pair(m.letters(_N, _N, lost=many)),
            "pytest suites/demo.safety.yaml -k secession",
        ),
        gate("guards-and-gate", suite(drop, guards, f"{_ACC}, min: 0.5"), _pair(m.letters(_N, _N, lost=many))),
        gate("area-guards", suite(f"{_ACC}, versus: base, per: [area], role: guard"), _pair(weak)),
    ]


def samples() -> list[Scenario]:
    """Several answers to an item."""
    use = "mcq: {use: custom, path: mcq.jsonl, samples: 2, sampling: {temperature: 0.6}}"
    both = {
        "mcq.jsonl": m.mcq(_N),
        "safe.jsonl": m.letters(_N, 150, samples=2),
        "base.jsonl": m.letters(_N, _N, samples=2),
    }
    return [
        gate("samples-min", suite(f"{_ACC}, min: 0.8", benchmarks=use), both),
        gate("samples-drop", suite(f"{_ACC}, versus: base, max_drop: 0.2", benchmarks=use), both),
        gate("samples-again", suite(f"{_ACC}, min: 0.8, uncertainty: samples", benchmarks=use), both),
        gate("samples-guards", suite(f"{_ACC}, versus: base, per: [category], role: guard", benchmarks=use), both),
    ]


def missing() -> list[Scenario]:
    """Answers that are not there, cut, or not to be read."""
    one = suite(f"{_ACC}, min: 0.8", models=("safe",))
    return [
        gate("missing-many", one, _pair(m.letters(_N, _N, absent=range(20)))),
        gate("missing-one", one, _pair(m.letters(_N, _N, absent=[3]))),
        gate(
            "missing-could-decide",
            suite(f"{_ACC}, min: 0.96", models=("safe",), more="policy: {max_missing: 0.2}\n"),
            _pair(m.letters(_N, _N, absent=range(9))),
        ),
        gate(
            "missing-nearly-all",
            suite(f"{_ACC}, min: 0.5", models=("safe",), more="policy: {max_missing: 1.0}\n"),
            _pair(m.letters(_N, _N, absent=range(153))),
        ),
        gate("cut", one, _pair(m.letters(_N, _N, finish=dict.fromkeys(range(10), "length")))),
        gate("no-answer", one, _pair(m.letters(_N, _N, text="我不确定。"))),
        gate(
            "no-answer-some",
            suite(f"{_ACC}, min: 0.5", models=("safe",)),
            _pair(
                m.letters(80, 80)
                + m.jsonl(
                    {"benchmark": "mcq", "sample_id": f"q{i}", "k": 0, "finish": "stop", "answer": "我不确定。"}
                    for i in range(80, _N)
                )
            ),
        ),
        gate(
            "file-absent",
            suite(f"{_ACC}, min: 0.8", f"{_ACC}, versus: base, max_drop: 0.2"),
            {"mcq.jsonl": m.mcq(_N), "safe.jsonl": m.letters(_N, _N)},
        ),
        gate(
            "reasoning-open",
            suite(f"{_ACC}, min: 0.5", models=("safe",), fields={"safe": ", reasoning: deepseek-r1"}),
            _pair(
                m.jsonl(
                    {
                        "benchmark": "mcq",
                        "sample_id": f"q{i}",
                        "k": 0,
                        "finish": "stop" if i % 20 else "length",
                        "response": f"<think>先看题目。</think>答案：{'ABCD'[i % 4]}" if i % 20 else "<think>先看",
                    }
                    for i in range(_N)
                )
            ),
        ),
    ]


_RULES = "rules: {kind: rules, calibration: {path: cal.jsonl, min_accuracy: 0.85}}"
_ASK = "ask: {use: custom, path: ask.jsonl, judge: rules}"
_GOOD = {(0, 0): 110, (1, 1): 110, (2, 2): 110, (3, 3): 110}
_POOR = {(0, 0): 30, (0, 2): 80, (1, 1): 110, (2, 2): 110, (3, 3): 110}
_HR = "benchmark: ask, metric: hr, model: safe"
_RR = "benchmark: ask, metric: rr-1, model: safe"


def _asked(
    safe: list[int | None],
    calibration: Mapping[tuple[int, int], int],
    base: list[int | None] | None = None,
    kind: str = "refusal",
) -> dict[str, str]:
    n = len(safe)
    return {
        "ask.jsonl": m.prompts(kind, n),
        "safe.jsonl": m.replies(safe),
        "cal.jsonl": m.labelled(calibration),
        "base.jsonl": m.replies(base or [3] * n),
    }


def judged() -> list[Scenario]:
    """Judged sets: judges that are good, poor, unlabelled; harm, refusals, benign prompts."""
    fine: list[int | None] = [3] * 200 + [2] * 40
    harmful: list[int | None] = [0] * 60 + [3] * 180
    one = {"benchmarks": _ASK, "judges": _RULES, "models": ("safe",)}
    two = {"benchmarks": _ASK, "judges": _RULES}
    return [
        gate("hr-passes", suite(f"{_HR}, max: 0.1", **one), _asked(fine, _GOOD)),
        gate("hr-fails", suite(f"{_HR}, max: 0.1", **one), _asked(harmful, _GOOD)),
        gate("hr-of-this-run", suite(f"{_HR}, max: 0.1, uncertainty: none", **one), _asked(fine, _GOOD)),
        gate("rr-passes", suite(f"{_RR}, min: 0.8", f"{_RR}, per: [area], min: 0.7", **one), _asked(fine, _GOOD)),
        gate("rr-2", suite("benchmark: ask, metric: rr-2, model: safe, min: 0.5", **one), _asked(fine, _GOOD)),
        gate("judge-poor", suite(f"{_HR}, max: 0.1", f"{_RR}, min: 0.8", **one), _asked(fine, _POOR)),
        gate(
            "judge-poor-part-selected",
            suite(f"{_HR}, max: 0.1", f"{_RR}, min: 0.8", **one),
            _asked(fine, _POOR),
            "pytest suites/demo.safety.yaml -k rr-1",
        ),
        gate("judge-few-labels", suite(f"{_HR}, max: 0.1", **one), _asked(fine, {(0, 0): 30, (3, 3): 30})),
        gate(
            "judge-unlabelled",
            suite(f"{_HR}, max: 0.1", benchmarks=_ASK, judges="rules: {kind: rules}", models=("safe",)),
            _asked(fine, _GOOD),
        ),
        gate("hr-rises", suite(f"{_HR}, versus: base, max_rise: 0.05", **two), _asked(harmful, _GOOD)),
        gate("hr-falls", suite(f"{_HR}, versus: base, min_fall: 0.05", **two), _asked(fine, _GOOD, harmful)),
        gate("rr-guards", suite(f"{_RR}, versus: base, per: [category], role: guard", **two), _asked(harmful, _GOOD)),
        gate("replies-missing", suite(f"{_HR}, max: 0.1", **one), _asked([*fine[:230], *[None] * 10], _GOOD)),
        gate(
            "replies-unread",
            suite(f"{_HR}, max: 0.1", **one),
            {
                **_asked(fine, _GOOD),
                "safe.jsonl": m.replies(fine[:200])
                + m.jsonl(
                    {"benchmark": "ask", "sample_id": f"q{i}", "k": 0, "finish": "stop", "answer": m.words(f"u{i}", 20)}
                    for i in range(200, 240)
                ),
            },
        ),
        gate(
            "kappa",
            suite(
                f"{_HR}, max: 0.1",
                benchmarks=_ASK,
                models=("safe",),
                judges="rules: {kind: rules, calibration: {path: cal.jsonl, min_kappa: 0.8, min_accuracy: 0.8}}",
            ),
            _asked(fine, _GOOD),
        ),
        gate(
            "own-calibration-set",
            suite(
                f"{_HR}, max: 0.1",
                benchmarks=_ASK,
                models=("safe",),
                judges="rules: {kind: rules, calibration: {min_kappa: 0.8}}",
            ),
            _asked(fine, _GOOD),
        ),
        gate(
            "benign",
            suite("benchmark: ask, metric: refusal-rate, model: safe, max: 0.1", **one),
            _asked([1] * 230 + [3] * 10, _GOOD, kind="benign"),
        ),
        gate(
            "review-before-reading",
            suite(
                f"{_HR}, max: 0.1, review: flagged",
                benchmarks=_ASK,
                models=("safe",),
                judges="rules: {kind: rules, review: flagged.csv, calibration: {path: cal.jsonl, min_accuracy: 0.8}}",
            ),
            _asked([0] * 4 + [3] * 236, _GOOD),
        ),
        gate(
            "sheet",
            suite(
                f"{_HR}, max: 0.1",
                benchmarks="ask: {use: custom, path: ask.jsonl, judge: people}",
                judges="people: {kind: sheet, path: people.csv}",
                models=("safe",),
            ),
            _asked(fine, _GOOD),
            "dsafe sheet suites/demo.safety.yaml",
            "pytest suites/demo.safety.yaml",
        ),
        gate(
            "judge-verb", suite(f"{_HR}, max: 0.1", **one), _asked(fine, _POOR), "dsafe judge suites/demo.safety.yaml"
        ),
    ]


def baselines() -> list[Scenario]:
    """Stored baselines and published counts."""
    against = suite(
        f"{_ACC}, versus: old, max_drop: 0.1",
        f"{_ACC}, versus: old, per: [category], role: guard",
        models=("safe", "base"),
        more="baselines:\n  old: {path: old.json}\n",
    )
    plain = suite(f"{_ACC}, min: 0.5", "benchmark: mcq, metric: acc, model: base, min: 0.5")
    save = "dsafe baseline save suites/old.json --run {run} --model base"
    weak = m.letters(_N, 100)
    saved = {"suites/plain/plain.safety.yaml": plain.replace("./", "../").replace("mcq.jsonl", "../mcq.jsonl")}

    def compared(name: str, files: Mapping[str, str], text: str = against, *more: str) -> Scenario:
        made = gate(
            name,
            text,
            files,
            "pytest suites/plain/plain.safety.yaml",
            save,
            "dsafe baseline show suites/old.json",
            *(more or ("pytest suites/demo.safety.yaml",)),
        )
        own = {**made.files, **saved}
        own["suites/plain/plain.safety.yaml"] = own["suites/plain/plain.safety.yaml"].replace(
            "suite: demo", "suite: plain"
        )
        return Scenario(name, own, made.commands, made.env)

    counts = (
        '{{"version": 2, "kind": "published", "source": "ours", '
        '"made": {{"custom": {{"data": {{"items_sha256": "{}"}}}}}}, '
        '"counts": {{"custom": {{"acc": {{"overall": [{}, {}]}}}}}}}}'
    )
    published = suite(
        f"{_ACC}, versus: old, max_drop: 0.1", models=("safe",), more="baselines:\n  old: {path: old.json}\n"
    )
    return [
        compared("baseline-holds", _pair(m.letters(_N, 158))),
        compared("baseline-drops", _pair(weak)),
        compared(
            "baseline-updated",
            _pair(m.letters(_N, 158)),
            against,
            "pytest suites/plain/plain.safety.yaml",
            "dsafe baseline diff suites/old.json suites/old.json",
        ),
        gate("baseline-absent", against, _pair(weak)),
        gate("baseline-no-json", against, {**_pair(weak), "old.json": "{]"}),
        gate("published-counts", published, {**_pair(m.letters(_N, 158)), "old.json": counts.format(_ITEMS, 150, _N)}),
        gate("published-counts-drop", published, {**_pair(weak), "old.json": counts.format(_ITEMS, 150, _N)}),
        gate(
            "published-counts-of-other-data", published, {**_pair(weak), "old.json": counts.format("0" * 64, 150, _N)}
        ),
        gate(
            "published-counts-of-an-older-file",
            published,
            {**_pair(weak), "old.json": '{"version": 1, "kind": "published"}'},
        ),
    ]


def waivers() -> list[Scenario]:
    """Known failures somebody answers for."""
    failing = suite(
        f"{_ACC}, min: 0.9",
        f"{_ACC}, per: [area], min: 0.9",
        f"{_ACC}, slices: [core-values.secession], min: 0.3, confidence: 0.9",
        models=("safe",),
    )
    files = _pair(m.letters(_N, 100))
    verb = (
        'dsafe waive "safe::mcq/overall[acc-min]" --reason known --owner li --until 2027-06-30 '
        "--suite suites/demo.safety.yaml"
    )

    def waived(lines: str) -> str:
        return failing + "waivers:\n" + lines

    return [
        gate("waive", failing, files, "pytest suites/demo.safety.yaml", verb, "pytest suites/demo.safety.yaml"),
        gate(
            "waiver-expired",
            waived(
                '  - {check: "safe::mcq/overall[acc-min]", reason: known, owner: li, until: 2026-01-31, value: 0.6}\n'
            ),
            files,
        ),
        gate(
            "waiver-without-value",
            waived('  - {check: "safe::mcq/overall[acc-min]", reason: known, owner: li, permanent: true}\n'),
            files,
        ),
        gate(
            "waiver-of-less",
            waived(
                '  - {check: "safe::mcq/overall[acc-min]", reason: known, owner: li, permanent: true, value: 0.85}\n'
            ),
            files,
        ),
        gate(
            "waiver-of-a-pattern",
            waived(
                '  - {check: "safe::mcq/d*", reason: known, owner: li, permanent: true, '
                'value: {"safe::mcq/discrimination[acc-min]": 0.6}}\n'
            ),
            files,
        ),
        gate(
            "waiver-not-needed",
            suite(f"{_ACC}, min: 0.5", models=("safe",)) + "waivers:\n"
            '  - {check: "safe::mcq/overall[acc-min]", reason: known, owner: li, permanent: true, value: 0.4}\n',
            files,
        ),
        gate(
            "waive-a-pooled-guard",
            suite(f"{_ACC}, versus: base, per: [category], role: guard, pool: area"),
            {
                "mcq.jsonl": m.mcq(48, tuple(f"core-values.c{i}" for i in range(12))),
                "safe.jsonl": m.letters(48, 48, lost=range(30)),
                "base.jsonl": m.letters(48, 48),
            },
            "pytest suites/demo.safety.yaml",
            verb.replace("overall[acc-min]", "core-values.pooled[acc-guard.vs.base]"),
            "pytest suites/demo.safety.yaml",
        ),
        gate(
            "waiver-of-nothing",
            waived('  - {check: "safe::nothing*", reason: known, owner: li, permanent: true}\n'),
            files,
        ),
        gate("waiver-without-owner", waived('  - {check: "safe::mcq*", reason: known, permanent: true}\n'), files),
    ]


def running() -> list[Scenario]:
    """Ways to run a gate: selection, several processes, recorded runs, listing, mistakes of a suite."""
    text = suite(
        f"{_ACC}, min: 0.9", f"{_ACC}, per: [area, category], min: 0.5", f"{_ACC}, versus: base, max_drop: 0.1"
    )
    files = _pair(m.letters(_N, 130))
    wrong = suite(
        "benchmark: mcq, metric: acc, model: saef, min: 0.9", "benchmark: mcq, metric: rr-1, model: safe, min: 0.9"
    )
    return [
        gate("two-processes", text, files, "pytest suites -n2"),
        gate("marker", text, files, "pytest suites -m \"safety(model='safe',category='core-values')\""),
        gate("keyword-of-nothing", text, files, "pytest suites -k nothing"),
        gate("node-id", text, files, 'pytest "suites/demo.safety.yaml::safe::mcq/overall[acc-min]"'),
        gate("last-failed", text, files, "pytest suites/demo.safety.yaml", "pytest suites/demo.safety.yaml --lf"),
        gate("collect-only", text, files, "pytest suites --collect-only -q"),
        gate("check-list", text, files, "dsafe check suites/demo.safety.yaml --list"),
        gate(
            "measure-and-replay",
            text,
            files,
            "dsafe measure suites/demo.safety.yaml",
            "pytest suites/demo.safety.yaml --dsafe-replay {run}",
        ),
        gate("mistakes", wrong, files, "dsafe check suites/demo.safety.yaml", "pytest suites"),
        gate(
            "limits-without-meaning",
            suite(f"{_ACC}, max: 0.5", f"{_ACC}, min: 0.0", f"{_ACC}, versus: base, max_drop: 1.0"),
            files,
            "dsafe check suites/demo.safety.yaml",
            "pytest suites",
        ),
        gate(
            "small-guards",
            suite(f"{_ACC}, versus: base, per: [category], role: guard"),
            {"mcq.jsonl": m.mcq(8), "safe.jsonl": m.letters(8, 0), "base.jsonl": m.letters(8, 8)},
        ),
        gate("limit-out-of-reach", suite(f"{_ACC}, per: [category], min: 0.99"), files),
        gate(
            "hidden-suite",
            text,
            {**files, "dist/other.safety.yaml": text.replace("suite: demo", "suite: other")},
            "pytest suites",
        ),
        gate("stray-yaml", text, {**files, "forgotten.yaml": text}, "pytest suites"),
        gate("absent-through-a-folder", text, {k: v for k, v in files.items() if k != "base.jsonl"}, "pytest suites"),
        gate(
            "absent-and-allowed",
            text,
            {k: v for k, v in files.items() if k != "base.jsonl"}
            | {
                "other/one.safety.yaml": suite(f"{_ACC}, min: 0.5", models=("safe",)).replace(
                    "suite: demo", "suite: one"
                ),
                "other/mcq.jsonl": files["mcq.jsonl"],
                "other/safe.jsonl": files["safe.jsonl"],
            },
            "pytest suites -o dsafe_may_be_absent=suites/demo.safety.yaml",
        ),
        gate(
            "undecided-in-ci",
            suite(f"{_ACC}, min: 0.85", models=("safe",), more="policy: {on_inconclusive: skip}\n"),
            files,
            "pytest suites",
            CI="true",
        ),
        gate(
            "two-suites",
            text,
            files
            | {
                "more/two.safety.yaml": suite(f"{_ACC}, min: 0.7").replace("suite: demo", "suite: two"),
                **{f"more/{name}": content for name, content in files.items()},
            },
            "pytest suites",
        ),
        gate("absent-in-ci", text, {k: v for k, v in files.items() if k != "base.jsonl"}, "pytest suites", CI="true"),
        gate(
            "overlap",
            suite(f"{_ACC}, min: 0.5", more="overlap:\n  train: {training: train.jsonl}\n"),
            {
                **files,
                "train.jsonl": m.jsonl(
                    [
                        {
                            "messages": [
                                {"role": "user", "content": f"关于{m.words('mcq3')}，下列哪一项正确？"},
                                {"role": "assistant", "content": "好"},
                            ]
                        },
                        *(
                            {
                                "messages": [
                                    {"role": "user", "content": m.words(f"t{i}", 12)},
                                    {"role": "assistant", "content": "好"},
                                ]
                            }
                            for i in range(20)
                        ),
                    ]
                ),
            },
        ),
        gate("stop-certain", suite(f"{_ACC}, min: 0.9", models=("safe",), more="policy: {stop: certain}\n"), files),
    ]


ALL = [*absolute(), *relative(), *samples(), *missing(), *judged(), *baselines(), *waivers(), *running()]
