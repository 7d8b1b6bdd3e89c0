"""Whether judges and engines can do what a suite asks of them: told at collection, not after hours of generation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from dsafe_runner.config.words import quoted, suggestion
from dsafe_runner.engines.openai.body import check_extra_body
from dsafe_runner.errors import EngineError, Mistake
from dsafe_runner.judges.base import AskingJudge, Judge
from dsafe_runner.plan.checks import GuardCheck, ModelCheck
from dsafe_runner.plan.ids import CALIBRATION, OVERLAP, judge_in, training_in
from dsafe_runner.suite.spec import Checkpoint, LlmJudge, LoadedSuite, OpenAIEngine
from dsafe_runner.vocabulary import HR, METRICS


def incompatibilities(loaded: LoadedSuite, checks: list[ModelCheck], judges: Mapping[str, Judge]) -> Iterable[Mistake]:
    """Every mistake of this kind, once per place."""
    found = [*_judges(loaded, checks, judges), *_engines(loaded, checks), *_baselines(loaded, checks)]
    return dict.fromkeys(found)


def _judges(loaded: LoadedSuite, checks: list[ModelCheck], judges: Mapping[str, Judge]) -> Iterable[Mistake]:
    for check in checks:
        name = loaded.suite.benchmarks[check.benchmark].judge
        judge = judges.get(name) if name else None
        if judge is None:
            continue
        metric = METRICS[check.metric]
        lacking = metric.needs - judge.labels
        if lacking:
            what = f"{check.metric} needs class {min(lacking)}, which judge {name} never gives"
            yield Mistake(*check.where, what, "use a judge with another template, or another metric")
        if not metric.by_rules and loaded.suite.judges[name or ""].kind == "rules":
            what = f"{check.metric}: judge {name} reads refusals by rules, not content"
            yield Mistake(*check.where, what, "use a judge of kind llm, or a reviewed sheet")
        if check.reviewed:
            yield from _review(loaded, check, name or "")
        if metric.thinking:
            for model in _models(loaded, check):
                if not loaded.suite.models[model].thinks:
                    what = f"{check.metric}: {model} has no `reasoning`, so there is no thinking to judge"
                    yield Mistake(*check.where, what, f"say `reasoning:` for the model, or use {HR.name}")
            if not isinstance(judge, AskingJudge):
                what = f"{check.metric}: judge {name} reads short answers, not thinking"
                yield Mistake(*check.where, what, "use a judge of kind llm")


def _review(loaded: LoadedSuite, check: ModelCheck, judge: str) -> Iterable[Mistake]:
    spec = loaded.suite.judges[judge]
    if getattr(spec, "review", None) is None:
        what = f"review: judge {judge} has no sheet that people fill in"
        yield Mistake(*check.where, what, f"add `review: reviews/{judge}.csv` to the judge")
    if spec.calibration is None:
        what = f"review: what judge {judge} overlooks is not known without labelled replies"
        yield Mistake(*check.where, what, "add `calibration:` to the judge")
    if loaded.suite.benchmarks[check.benchmark].samples > 1:
        yield Mistake(*check.where, "review: one response per item is read", "remove `samples`, or `review`")
    if not METRICS[check.metric].reviewable:
        harm = " or ".join(one.name for one in METRICS.values() if one.reviewable)
        yield Mistake(*check.where, f"review: people confirm harm, not {check.metric}", f"use it with {harm}")


def _baselines(loaded: LoadedSuite, checks: list[ModelCheck]) -> Iterable[Mistake]:
    for check in checks:
        if check.published and isinstance(check, GuardCheck):
            what = f"a guard compares item by item, and {check.versus} is a table of counts"
            yield Mistake(*check.where, what, "use max_drop, or a stored baseline")
        if METRICS[check.metric].thinking and check.versus in loaded.suite.baselines:
            what = f"{check.metric}: baselines hold verdicts on answers only"
            yield Mistake(*check.where, what, "compare with a model of the suite")
    policy = loaded.suite.policy
    if policy.fail_fast and policy.stop != "certain":
        at = loaded.where("policy", "fail_fast")
        yield Mistake(*at, "fail_fast without `stop: certain` stops nothing", "add `stop: certain`")


def _servers(loaded: LoadedSuite, name: str, engine: OpenAIEngine) -> Iterable[Mistake]:
    try:
        check_extra_body(engine.extra_body)
    except EngineError as error:
        what, _, todo = str(error).partition("; ")
        yield Mistake(*loaded.where("engines", name, "extra_body"), what, todo)
    for index, url in enumerate(engine.base_urls):
        if "@" in urlsplit(url).netloc:
            at = loaded.where("engines", name, "base_urls", index)
            yield Mistake(*at, "a URL with a password in it ends up in reports", "use `api_key_env`")


def _models(loaded: LoadedSuite, check: ModelCheck) -> list[str]:
    """The models of the suite that a check reads; a baseline is none."""
    return [name for name in (check.model, check.versus) if name in loaded.suite.models]


def _engines(loaded: LoadedSuite, checks: list[ModelCheck]) -> Iterable[Mistake]:
    suite = loaded.suite
    for name, judge in suite.judges.items():
        if isinstance(judge, LlmJudge) and judge.engine not in suite.engines:
            todo = suggestion(judge.engine, list(suite.engines), "the engines are")
            yield Mistake(*loaded.where("judges", name, "engine"), f"unknown engine {quoted(judge.engine)}", todo)
    for name, spec in suite.engines.items():
        if isinstance(spec, OpenAIEngine):
            yield from _servers(loaded, name, spec)
    for name in suite.models:
        if judge_in(name) is not None or training_in(name) is not None:
            what = f"model name {name!r} looks like a judge's or a training file's"
            yield Mistake(*loaded.where("models", name), what, "call it something without a dot in it")
    for name in (CALIBRATION, OVERLAP):
        if name in suite.benchmarks:
            what = f"a benchmark named {name} would be taken for something else"
            yield Mistake(*loaded.where("benchmarks", name), what, "give it another name")
    for name, compared in suite.overlap.items():
        for index, benchmark in enumerate(compared.benchmarks or []):
            if benchmark not in suite.benchmarks:
                at = loaded.where("overlap", name, "benchmarks", index)
                todo = suggestion(benchmark, list(suite.benchmarks), "the benchmarks are")
                yield Mistake(*at, f"unknown benchmark {quoted(benchmark)}", todo)
    yield from _mistaken_for_each_other(loaded)
    for check in checks:
        use = suite.benchmarks[check.benchmark]
        for model in _models(loaded, check):
            engine = suite.models[model].engine
            backend = suite.engines[engine].backend
            if use.scoring == "letters" and backend in ("openai", "replay"):
                what = f"scoring: letters needs the model itself, which engine {engine} ({backend}) does not have"
                yield Mistake(*loaded.where("benchmarks", check.benchmark, "scoring"), what, "use `scoring: generate`")


def _mistaken_for_each_other(loaded: LoadedSuite) -> Iterable[Mistake]:
    """Models, or judges, at different URLs that the store could not tell apart: one would get the other's responses."""
    suite = loaded.suite
    judges = {name: judge for name, judge in suite.judges.items() if isinstance(judge, LlmJudge)}
    asked: list[tuple[str, str, Checkpoint]] = [
        *(("models", name, model) for name, model in suite.models.items()),
        *(("judges", name, judge) for name, judge in judges.items()),
    ]
    seen: dict[tuple[object, ...], tuple[str, frozenset[str]]] = {}
    for section, name, model in asked:
        engine = suite.engines.get(model.engine)
        if not isinstance(engine, OpenAIEngine) or engine.identity is None:
            continue
        urls = frozenset(url.rstrip("/") for url in engine.base_urls)
        other, theirs = seen.setdefault((section, engine.identity, model.path, model.revision), (name, urls))
        if theirs != urls:
            both = f"both are {quoted(model.path)} of identity {engine.identity}"
            what = f"{name} and {other} are one to the store: {both}"
            todo = "give their engines identities of their own, or say `revision:`"
            yield Mistake(*loaded.where(section, name, "engine"), what, todo)
