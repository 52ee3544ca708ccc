"""Spec files in real pytest runs: ordinary tests in everything."""

import pytest

from tests.specs.spec_project import CONFTEST, run

NUMBERS = """
model: planted-gpt2
backends: [transformer_lens]
experiment: numbers
inputs: {x: 1}
claims:
"""


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
            "failed: 0.000 at layer 4, subject, claimed at least 0.80",
            "capital.interp.yaml:13: fact_localized: {site: resid_post@subject, layer_range:*",
            "*layer 4, subject: *claimed at least 0.80*",
            "failed: peak.layer is 3, and is claimed to be at most 2",
            "capital.interp.yaml:14: peak.layer: {at_most: 2}",
            "*threshold: 2, margin -1*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*.py:*")
    result.stdout.no_fnmatch_line("E  *")
    short = run(project, "--tb=line")
    short.stdout.fnmatch_lines([f"{project.path}/capital.interp.yaml:14: failed: peak.layer is*"])


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


def test_input_that_does_not_fit_the_model_is_the_one_that_is_named(project, spec_text):
    wrong = {
        "layers": ("site: resid_post\n", "layers: [33]\n", 11, "layer 33 cannot be used*"),
        "subject": ("Acropolis\n", "Zeus\n", 10, "the subject 'Zeus' does not occur*"),
    }
    project.path.joinpath("capital.interp.yaml").unlink()
    for name, (old, new, _, _) in wrong.items():
        assert old in spec_text
        project.path.joinpath(f"{name}.interp.yaml").write_text(spec_text.replace(old, new))
    result = run(project, "-k", "peak and nnsight")
    for name, (_, _, line, words) in wrong.items():
        result.stdout.fnmatch_lines([f"{name}.interp.yaml:{line}: {words}"])


def test_option_that_no_model_can_take_is_named_before_any_is_loaded(project, spec_text):
    wrong = spec_text.replace("site: resid_post\n", "site: embed\n")
    project.path.joinpath("capital.interp.yaml").write_text(wrong)
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["capital.interp.yaml:11: inputs.site: causal_trace cannot patch*"])


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
    result.stdout.fnmatch_lines(["*models fetch Qwen/Qwen3-0.6B"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.guarantee(
    "green",
    "A spec file that names several models checks its claims on each of them.",
    sees="One test for each claim, model and backend.",
)
def test_a_list_of_models_gives_each_claim_on_each(project, spec_text):
    text = spec_text.replace("planted-gpt2", "[planted-gpt2, planted-llama]")
    text = text.replace("at_most: 3", "at_most: 5")
    project.path.joinpath("capital.interp.yaml").write_text(text)
    result = run(project, "-k", "peak and nnsight")
    result.assert_outcomes(passed=2, deselected=6)
    for model in ("planted-gpt2", "planted-llama"):
        result.stdout.fnmatch_lines([f"capital.interp.yaml::peak_layer?{model}-nnsight? PASSED*"])


def test_a_spec_s_baseline_puts_its_result_into_the_report(project, spec_text):
    text = spec_text.split("claims:")[0] + "baseline: true\n"
    project.path.joinpath("capital.interp.yaml").write_text(text)
    junit = ("--junitxml=out.xml", "-o", "junit_family=xunit1")
    run(project, "--interp-backend=transformer_lens", "--interp-update", *junit)
    assert 'name="interp_result"' in project.path.joinpath("out.xml").read_text()
