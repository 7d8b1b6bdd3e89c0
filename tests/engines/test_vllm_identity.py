"""What the vllm engine says where vLLM is absent or cannot run, and what it would get on other machines."""

from __future__ import annotations

import importlib.util
import json

import pytest

from dsafe_runner.engines import probe
from dsafe_runner.engines.backends import identify
from dsafe_runner.engines.doctor import report_lines
from dsafe_runner.engines.vllm.probe import Place, resolve
from dsafe_runner.errors import UnavailableError
from dsafe_runner.suite.spec import Model, VllmEngine

CPU = {"version": "0.32.0", "device": "cpu", "nvidia": False, "capability": None}
H100 = {"version": "0.32.0", "device": "cuda", "nvidia": True, "capability": "9.0"}
A100 = {**H100, "capability": "8.0"}
MI300 = {**H100, "nvidia": False, "capability": "9.4"}
T4 = {**H100, "capability": "7.5"}


def machine(here, count=1):
    gpus = [{"name": "a GPU", "capability": here["capability"]}] * count if here["device"] == "cuda" else []
    return {"devices": gpus, "bfloat16": bool(gpus) and float(here["capability"]) >= 8.0}


def engine(**fields):
    return VllmEngine(backend="vllm", **fields).model_dump(mode="json")


@pytest.mark.parametrize(
    ("here", "fields", "expected"),
    [
        (CPU, {}, Place("cpu", "float32", False)),
        (CPU, {"dtype": "bfloat16", "device": "cpu", "batch_invariant": "off"}, Place("cpu", "bfloat16", False)),
        (H100, {}, Place("cuda", "bfloat16", True)),
        (H100, {"batch_invariant": "off"}, Place("cuda", "bfloat16", False)),
        (H100, {"batch_invariant": "require", "dtype": "float32"}, Place("cuda", "float32", True)),
        (A100, {"batch_invariant": "require"}, Place("cuda", "bfloat16", True)),
        ({**A100, "version": "0.31.1"}, {}, Place("cuda", "bfloat16", False)),
        ({**A100, "version": "dev"}, {}, Place("cuda", "bfloat16", False)),
        ({**H100, "version": "0.28.0", "capability": "12.0"}, {}, Place("cuda", "bfloat16", True)),
        (MI300, {}, Place("cuda", "bfloat16", False)),
        (T4, {}, Place("cuda", "float16", False)),
    ],
)
def test_place_is_resolved_by_what_is_there(here, fields, expected):
    assert resolve(engine(**fields), here, machine(here)) == expected


@pytest.mark.parametrize(
    ("here", "fields", "words"),
    [
        (CPU, {"device": "cuda"}, "the vLLM installed here runs on cpu; say `device: auto`"),
        (H100, {"device": "cpu"}, "the vLLM installed here runs on cuda"),
        (CPU, {"tensor_parallel_size": 2}, "say `tensor_parallel_size: 1`"),
        (H100, {"tensor_parallel_size": 4}, "needs 4 GPUs and torch sees 2 here"),
        (CPU, {"batch_invariant": "require"}, "has a cpu device"),
        (T4, {"batch_invariant": "require"}, "compute capability 8.0 for that and has compute capability 7.5"),
        (MI300, {"batch_invariant": "require"}, "needs an NVIDIA GPU"),
        ({**CPU, "device": "xpu"}, {}, "use `backend: openai`"),
    ],
)
def test_what_is_not_here_is_unavailable(here, fields, words):
    with pytest.raises(UnavailableError, match=words) as caught:
        resolve(engine(**fields), here, machine(here, count=2))
    assert "\n" not in str(caught.value)


@pytest.fixture
def fake_vllm(tmp_path, monkeypatch):
    """Puts a package called vllm on the path of this process and its children, with the platform it is told."""

    def put(platform: str):
        folder = tmp_path / "site" / "vllm"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text('__version__ = "0.32.0"\n')
        (folder / "platforms.py").write_text(platform)
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))

    probe.usable.cache_clear()
    yield put
    probe.usable.cache_clear()


def unavailable(tiny) -> str:
    model = {**Model(path=str(tiny.folder), engine="e").model_dump(mode="json"), "name": "tiny"}
    with pytest.raises(UnavailableError) as caught:
        identify(model, engine(), cache={}, download=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.skipif(probe.probe()["installed"]["vllm"], reason="vLLM is installed here")
def test_without_vllm_the_engine_is_unavailable_and_says_what_to_do(tiny, fake_vllm):
    said = unavailable(tiny)
    assert said.startswith("vllm is not installed; `pip install 'dsafe-runner[vllm]'`")
    assert "use `backend: transformers`" in said
    assert "  vllm: not installed" in report_lines()


def test_a_folder_called_vllm_is_no_vllm(tmp_path, monkeypatch):
    (tmp_path / "dsafe_no_package").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.util.find_spec("dsafe_no_package") is not None
    assert probe.usable("dsafe_no_package") == (False, "not installed")


@pytest.mark.parametrize(
    ("platform", "words"),
    [
        ("class current_platform: device_type = ''", "it finds no device that it supports"),
        (
            "class current_platform:\n    device_type = 'cpu'\n    def import_kernels(): pass",
            "this build of it has no CPU kernels",
        ),
        ("raise ImportError('libcudart.so.13: cannot open shared object file')", "libcudart.so.13: cannot open"),
    ],
)
def test_installed_does_not_mean_that_it_can_run(tiny, fake_vllm, platform, words):
    fake_vllm(platform)
    said = unavailable(tiny)
    assert said.startswith("vllm is installed, but does not work here: ")
    assert words in said
    assert any(words in line for line in report_lines())


def test_the_doctor_says_version_and_device_of_a_vllm_that_works(tiny, fake_vllm):
    fake_vllm(
        "import types, torch\n"
        "torch.ops._C = types.SimpleNamespace(init_cpu_memory_env=None)\n"
        "class current_platform:\n"
        "    device_type = 'cpu'\n"
        "    def import_kernels(): pass\n"
        "    def is_cuda(): return False\n"
    )
    assert json.loads(probe.usable("vllm")[1]) == CPU
    assert "  vllm: usable (0.32.0 on cpu)" in report_lines()
