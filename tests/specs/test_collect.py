"""Spec files in real pytest runs: ordinary tests in everything."""

import ast
import tracemalloc

import pytest

# pytester forgets the modules that a run imports, and torch cannot be imported twice: they are
# here before the first run
import pytest_interp.adapters.nnsight
import pytest_interp.adapters.transformer_lens
import pytest_interp.figures
import pytest_interp.specs.running
import pytest_interp.stats  # noqa: F401

BROKEN = {
    "key": "modle: planted-gpt2\n",
    "type": "model: [1]\nexperiment: logit_lens\ninputs: {}\n",
    "tab": "model:\n\tx: 1\n",
    "empty": "",
    "bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{n}: &{n} [{','.join(['*' + b] * 9)}]\n" for b, n in zip("abcdef", "bcdefg")),  # noqa: B905
    "mark": "model: planted-gpt2\nexperiment: numbers\ninputs: {}\nbaseline: true\n"
    "marks: [parametrize]\n",
    "config": "model: planted-gpt2\nexperiment: refusing\ninputs: {x: 1}\nbaseline: true\n",
    "schema": "model: planted-gpt2\nexperiment: unreadable\ninputs: {x: 1}\nbaseline: true\n",
    "tag": "model: !!python/object/apply:os.system ['touch pwned']\n",
}


# an experiment that runs at once, with names of results that could collide, and broken ones
CONFTEST = """
from dataclasses import dataclass
from pytest_interp.experiments.registry import register_experiment
from pytest_interp.provenance import Provenance

@dataclass(frozen=True)
class Numbers:
    provenance: Provenance
    norm: float = 1.0
    norm_2: float = 5.0
    baseline: float = 5.0
    spec: float = 5.0
    pytestmark: float = 5.0
    def to_json(self): return {"norm": self.norm}
    def tolerances(self): return {}

@register_experiment("numbers")
@dataclass
class MakeNumbers:
    x: int = 1
    def run(self, adapter) -> Numbers: return Numbers(adapter.provenance())

@register_experiment("refusing")
@dataclass
class Refusing:
    x: int
    def __post_init__(self): raise KeyError("what is this")
    def run(self, adapter): ...

@register_experiment("unreadable")
@dataclass
class Unreadable:
    x: object()
    def run(self, adapter): ...
"""
NUMBERS = """
model: planted-gpt2
backends: [transformer_lens]
experiment: numbers
inputs: {x: 1}
claims:
"""


@pytest.fixture
def project(pytester, spec_text, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    pytester.path.joinpath("capital.interp.yaml").write_text(spec_text)
    return pytester


def run(project, *arguments):
    """In this process, for the sake of time."""
    return project.runpytest_inprocess("-p", "no:cacheprovider", "-v", *arguments)


def test_each_claim_is_a_test_under_each_backend(project):
    result = run(project)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        ["capital.interp.yaml::fact_localized?planted-gpt2-transformer_lens? PASSED*"]
    )
    run(project, "-k", "localized and nnsight").assert_outcomes(passed=1, deselected=3)
    run(project, "capital.interp.yaml::peak_layer[planted-gpt2-nnsight]").assert_outcomes(passed=1)
    run(project, "--interp-backend", "nnsight").assert_outcomes(passed=2)


def test_marks_fixtures_and_overrides(project, spec_text):
    text = spec_text + "marks: [careful]\nfixtures: [noted]\n"
    project.path.joinpath("capital.interp.yaml").write_text(text)
    project.makeini("[pytest]\nmarkers = careful: with care\naddopts = --strict-markers\n")
    project.makeconftest(
        """
        import pytest
        @pytest.fixture
        def noted():
            print("noted was used")
        @pytest.fixture(scope="session")
        def adapter(adapter):
            print("this adapter", adapter.backend)
            return adapter
        """
    )
    result = run(project, "-m", "careful", "-s", "--interp-backend=nnsight", "-k", "peak")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["*this adapter nnsight*"])
    result.stdout.fnmatch_lines(["*noted was used*"])
    run(project, "-m", "not careful").assert_outcomes(deselected=4)


def test_failed_claim_shows_claim_value_threshold_and_line_and_no_traceback(project, spec_text):
    text = spec_text.replace("[0, 3]", "[0, 4]").replace("at_most: 3", "at_most: 2")
    text = text.replace("[transformer_lens, nnsight]", "[nnsight]")
    project.path.joinpath("capital.interp.yaml").write_text(text)
    result = run(project)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "capital.interp.yaml:13: fact_localized: {site: resid_post@subject, layer_range:*",
            "*layer 4, subject: *claimed at least 0.80*",
            "capital.interp.yaml:14: peak.layer: {at_most: 2}",
            "*peak.layer is 3, and is claimed to be at most 2",
            "*threshold: 2, margin -1*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*.py:*")
    result.stdout.no_fnmatch_line("E  *")
    short = run(project, "--tb=line")
    short.stdout.fnmatch_lines([f"{project.path}/capital.interp.yaml:14: *"])


def test_layers_that_the_model_lacks_are_named_with_the_line(project, spec_text):
    text = spec_text.replace("[0, 3]", "[0, 30]")
    project.path.joinpath("capital.interp.yaml").write_text(text)
    result = run(project, "-k", "localized and nnsight")
    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(["capital.interp.yaml:13: *", "layers 6 to 30*not traced*0 to 5"])


def test_each_claim_is_a_test_whatever_its_name(project):
    claims = {
        "norm_2: {at_most: 1}": "FAILED",  # false, and it must not be lost
        "norm: {at_most: 2}": "PASSED",
        "norm: {at_least: 0}": "PASSED",
        "baseline: {at_most: 1}": "FAILED",
        "spec: {at_most: 1}": "FAILED",
        "pytestmark: {at_most: 1}": "FAILED",
    }
    text = NUMBERS + "".join(f"  - {claim}\n" for claim in claims) + "baseline: true\n"
    project.path.joinpath("capital.interp.yaml").write_text(text)
    project.makeconftest(CONFTEST)
    result = run(project, "--interp-update=missing")
    result.assert_outcomes(passed=3, failed=4)
    names = ("norm_2", "norm", "norm_3", "baseline_2", "spec_2", "pytestmark_2", "baseline")
    for name, outcome in zip(names, (*claims.values(), "PASSED"), strict=True):
        result.stdout.fnmatch_lines([f"capital.interp.yaml::{name}?planted-gpt2-*? {outcome}*"])


def test_device_and_dtype_of_a_spec_count_unless_the_run_says_otherwise(project, spec_text):
    project.makeconftest(
        """
        import pytest
        @pytest.fixture(autouse=True)
        def told(adapter):
            print("dtype", adapter.dtype, "on", adapter.device)
        """
    )
    double = spec_text + "dtype: float64\ndevice: cpu\n"
    project.path.joinpath("double.interp.yaml").write_text(double)
    result = run(project, "-s", "-k", "peak and nnsight")
    result.assert_outcomes(passed=2, deselected=6)
    result.stdout.fnmatch_lines(["*dtype torch.float64 on cpu*"])
    result.stdout.fnmatch_lines(["*dtype torch.float32 on *"])
    result = run(project, "-s", "-k", "peak and nnsight", "--interp-dtype", "float32")
    result.assert_outcomes(passed=2, deselected=6)
    result.stdout.no_fnmatch_line("*dtype torch.float64*")


def test_broken_specs_fail_alone_and_disturb_nothing(project):
    project.makeconftest(CONFTEST)
    for name, text in BROKEN.items():
        project.path.joinpath(f"{name}.interp.yaml").write_text(text)
    with project.path.joinpath("large.interp.yaml").open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    project.makepyfile("def test_other(): pass")
    result = run(project, "-k", "not transformer_lens")
    result.assert_outcomes(failed=len(BROKEN) + 1, passed=3, deselected=2)
    for name in (*BROKEN, "large"):
        result.stdout.fnmatch_lines([f"{name}.interp.yaml:*: *"])
    result.stdout.fnmatch_lines(["mark.interp.yaml:5: the mark 'parametrize' cannot be given*"])
    result.stdout.fnmatch_lines(["config.interp.yaml:3: *'refusing'*KeyError*(conftest.py:*)"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*Interrupted*")
    assert not project.path.joinpath("pwned").exists()


def test_a_spec_is_not_read_as_python(project, monkeypatch):
    parse = ast.parse

    def before_3_11_4(source, *arguments, **options):
        if isinstance(source, str) and "\0" in source:
            raise ValueError("source code string cannot contain null bytes")
        return parse(source, *arguments, **options)

    monkeypatch.setattr(ast, "parse", before_3_11_4)
    project.path.joinpath("nulls.interp.yaml").write_text("model: x\0\n")
    result = run(project, "-k", "spec or peak")
    result.assert_outcomes(failed=1, passed=2, deselected=2)
    result.stdout.fnmatch_lines(["nulls.interp.yaml:*: *"])


def test_unknown_mark_is_one_error_under_strict_markers(project, spec_text):
    project.path.joinpath("capital.interp.yaml").write_text(spec_text + "marks: [carefull]\n")
    project.makeini("[pytest]\nmarkers = careful: with care\n")
    result = run(project, "--strict-markers")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["capital.interp.yaml:15: unknown mark 'carefull'*"])


def test_unknown_mark_is_warned_of_at_its_line_in_the_file(project, spec_text):
    project.path.joinpath("capital.interp.yaml").write_text(spec_text + "marks: [carefull]\n")
    result = run(project, "-k", "nothing", "-W", "always")
    result.stdout.fnmatch_lines(["*capital.interp.yaml:15: PytestUnknownMarkWarning*"])
    result = run(project, "-W", "error")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["capital.interp.yaml:15: unknown mark 'carefull'*"])


def test_error_that_nobody_foresaw_is_one_failing_test(project, monkeypatch):
    from pytest_interp.specs import schema

    def fail(*_):
        raise ZeroDivisionError("of a package\nthat is broken")

    monkeypatch.setattr(schema, "find_model", fail)
    project.makepyfile("def test_other(): pass")
    result = run(project)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["capital.interp.yaml:1: the spec cannot be read: ZeroDivisionError: of a package that*"]
    )


def test_input_that_does_not_fit_the_model_is_the_one_that_is_named(project, spec_text):
    wrong = {
        "layers": ("site: resid_post\n", "layers: [33]\n", 11, "layers ?33? cannot be used*"),
        "subject": ("Acropolis\n", "Zeus\n", 10, "the subject 'Zeus' does not occur*"),
        "site": ("site: resid_post\n", "site: embed\n", 11, "causal_trace cannot patch*"),
    }
    project.path.joinpath("capital.interp.yaml").unlink()
    for name, (old, new, _, _) in wrong.items():
        assert old in spec_text
        project.path.joinpath(f"{name}.interp.yaml").write_text(spec_text.replace(old, new))
    result = run(project, "-k", "peak and nnsight")
    for name, (_, _, line, words) in wrong.items():
        result.stdout.fnmatch_lines([f"{name}.interp.yaml:{line}: {words}"])


def test_refused_spec_costs_no_more_under_pytest(project):
    """Pytest would write out every value on the way to an error, aliases and all."""
    many = f"a: &a {'x' * 50_000}\nb: [{'*a, ' * 5_000}]\n"
    project.path.joinpath("capital.interp.yaml").write_text(many)
    tracemalloc.start()
    try:
        run(project).assert_outcomes(failed=1)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()


def test_under_xdist(project):
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2", "-k", "nnsight")
    result.assert_outcomes(passed=2)


def test_baseline_is_missing_then_written_then_compared(project, spec_text):
    project.path.joinpath("capital.interp.yaml").write_text(spec_text + "baseline: true\n")
    missing = run(project, "-k", "baseline and transformer_lens")
    missing.assert_outcomes(failed=1, deselected=5)
    missing.stdout.no_fnmatch_line("*Traceback*")
    run(project, "-k", "baseline", "--interp-update").assert_outcomes(passed=2, deselected=4)
    saved = sorted(file.name for file in project.path.joinpath("baselines").rglob("*.json"))
    assert saved == ["baseline--planted-gpt2.json"]
    run(project, "-k", "baseline").assert_outcomes(passed=2, deselected=4)


def test_without_the_plugin_the_files_mean_nothing(project):
    result = run(project, "-p", "no:interp")
    result.assert_outcomes()


def test_inputs_that_do_not_fit_the_model_are_named_with_the_line(project, spec_text):
    text = spec_text.replace('" Paris"', '" Paris Rome"')
    project.path.joinpath("capital.interp.yaml").write_text(text)
    result = run(project, "-k", "localized and nnsight")
    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(["capital.interp.yaml:8: answer ' Paris Rome' is 2 tokens*"])


def test_missing_weights_skip_and_fail_when_strict(project, spec_text):
    text = spec_text.replace("planted-gpt2", "qwen3-0.6b")
    project.path.joinpath("capital.interp.yaml").write_text(text)
    run(project).assert_outcomes(skipped=4)
    result = run(project, "--interp-strict", "-k", "localized and nnsight")
    result.assert_outcomes(errors=1, deselected=3)
    result.stdout.fnmatch_lines(["*hf download Qwen/Qwen3-0.6B"])
    result.stdout.no_fnmatch_line("*Traceback*")
