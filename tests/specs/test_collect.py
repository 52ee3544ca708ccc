"""Spec files in real pytest runs: ordinary tests in everything."""

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
    "tag": "model: !!python/object/apply:os.system ['touch pwned']\n",
}


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


def test_broken_specs_fail_alone_and_disturb_nothing(project):
    for name, text in BROKEN.items():
        project.path.joinpath(f"{name}.interp.yaml").write_text(text)
    with project.path.joinpath("large.interp.yaml").open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    project.makepyfile("def test_other(): pass")
    result = run(project, "-k", "not transformer_lens")
    result.assert_outcomes(failed=len(BROKEN) + 1, passed=3, deselected=2)
    for name in (*BROKEN, "large"):
        result.stdout.fnmatch_lines([f"{name}.interp.yaml:*: *"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*Interrupted*")
    assert not project.path.joinpath("pwned").exists()


def test_unknown_mark_is_one_error_under_strict_markers(project, spec_text):
    project.path.joinpath("capital.interp.yaml").write_text(spec_text + "marks: [carefull]\n")
    project.makeini("[pytest]\nmarkers = careful: with care\n")
    result = run(project, "--strict-markers")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["capital.interp.yaml:15: unknown mark 'carefull'*"])


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
    result.stdout.fnmatch_lines(["capital.interp.yaml:4: answer ' Paris Rome' is 2 tokens*"])


def test_missing_weights_skip_and_fail_when_strict(project, spec_text):
    text = spec_text.replace("planted-gpt2", "qwen3-0.6b")
    project.path.joinpath("capital.interp.yaml").write_text(text)
    run(project).assert_outcomes(skipped=4)
    result = run(project, "--interp-strict", "-k", "localized and nnsight")
    result.assert_outcomes(errors=1, deselected=3)
    result.stdout.fnmatch_lines(["*hf download Qwen/Qwen3-0.6B"])
    result.stdout.no_fnmatch_line("*Traceback*")
