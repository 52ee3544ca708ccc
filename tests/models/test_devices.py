import pytest
import torch

from pytest_interp.errors import DeviceError
from pytest_interp.models.devices import resolve_device, resolve_dtype

CPU, CUDA, MPS = (torch.device(kind) for kind in ("cpu", "cuda", "mps"))


@pytest.mark.parametrize("asked", ["cpu", "cpu:0", CPU])
def test_a_device_is_given_by_name_or_object(asked):
    assert resolve_device(asked) == CPU


@pytest.mark.parametrize("nothing", [None, "auto"])
@pytest.mark.parametrize(
    ("there", "chosen"), [({"cuda", "mps", "cpu"}, CUDA), ({"mps", "cpu"}, MPS), ({"cpu"}, CPU)]
)
def test_the_default_device_is_the_fastest_there_is(monkeypatch, nothing, there, chosen):
    monkeypatch.setattr("pytest_interp.models.devices._count", lambda kind: int(kind in there))
    monkeypatch.setattr("pytest_interp.models.devices._current", lambda kind: 0)
    assert resolve_device(nothing).type == chosen.type


def test_cuda_and_cuda_0_are_one_device(monkeypatch):
    monkeypatch.setattr("pytest_interp.models.devices._count", lambda kind: 1)
    monkeypatch.setattr("pytest_interp.models.devices._current", lambda kind: 0)
    assert resolve_device("cuda") == resolve_device("cuda:0") == resolve_device(None)


def test_cuda_without_a_number_is_the_device_in_use(monkeypatch):
    monkeypatch.setattr("pytest_interp.models.devices._count", lambda kind: 2)
    monkeypatch.setattr("pytest_interp.models.devices._current", lambda kind: 1)
    assert resolve_device("cuda") == torch.device("cuda", 1)
    assert resolve_device("cuda:0") == torch.device("cuda", 0)


def test_a_second_device_is_asked_for_by_its_number(monkeypatch):
    monkeypatch.setattr("pytest_interp.models.devices._count", lambda kind: 2)
    monkeypatch.setattr("pytest_interp.models.devices._current", lambda kind: 0)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)


def test_an_unknown_device_is_met_with_the_nearest():
    with pytest.raises(DeviceError, match=r"unknown device 'cdua'. Did you mean 'cuda'"):
        resolve_device("cdua")


def test_an_absent_device_is_met_with_those_that_are_there():
    with pytest.raises(DeviceError, match=r"no device 'cuda:99'.*Available:.*cpu \(1\)"):
        resolve_device("cuda:99")


@pytest.mark.parametrize(
    ("asked", "device", "dtype"),
    [
        (None, CPU, torch.float32),
        (None, MPS, torch.float32),
        (None, CUDA, torch.bfloat16),
        ("float32", CUDA, torch.float32),
        ("bf16", CPU, torch.bfloat16),
        (torch.float64, CPU, torch.float64),
        ("torch.float16", CPU, torch.float16),
    ],
)
def test_the_dtype_is_the_devices_own_unless_it_is_given(asked, device, dtype):
    assert resolve_dtype(asked, device) is dtype


@pytest.mark.parametrize("asked", ["int8", torch.int64, "flaot32"])
def test_a_dtype_that_no_model_runs_in_is_refused(asked):
    with pytest.raises(DeviceError, match="unknown dtype"):
        resolve_dtype(asked, CPU)


def test_float64_on_mps_is_refused():
    with pytest.raises(DeviceError, match="mps has no float64"):
        resolve_dtype("float64", MPS)
