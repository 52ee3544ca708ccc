"""A spec about a planted model, and what it is changed into."""

import textwrap

import pytest
from planted_spec import trace_spec


@pytest.fixture
def spec_text() -> str:
    return trace_spec() + "  - peak.layer: {at_most: 3}\n"


@pytest.fixture
def write_spec(tmp_path):
    """Write a spec file and return its path."""

    def write(text, name="some.interp.yaml"):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    return write


@pytest.fixture
def project(pytester, spec_text, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    pytester.path.joinpath("capital.interp.yaml").write_text(spec_text)
    return pytester
