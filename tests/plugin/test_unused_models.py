"""A model that the command line names and no test runs on fails the run, or is warned of."""

import pytest

TWO = """
def test_x(model): ...

@pytest.mark.interp(model="planted-llama")
def test_llama(model): ...
"""
OPEN = "def test_open(model): ...\n"
YAML = """\
model: planted-gpt2
experiment: logit_lens
inputs: {prompt: visitors say that Acropolis stands in, answer: " Paris"}
claims:
  - crossover_layer: {equals: 4}
"""
VAIN = "--interp-model=planted-qwen3=planted-llama"
LEFT_OUT = "--interp-model=planted-llama=planted-qwen3"
WARN = ("-W", "default")  # the filters of the run around this one are errors
REFUSED = pytest.mark.guarantee(
    "green",
    "A model or checkpoint on the command line that no collected test runs on fails the run.",
    sees="A usage error that names the option and the models that the tests are on.",
)
WARNED = pytest.mark.guarantee(
    "green",
    "Where a filter may have left out the tests on a model of the command line, the run warns.",
    sees="A warning that names the option and the filter.",
)


@pytest.fixture
def collect(pytester):
    def run(*args: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess("--collect-only", "-q", "-p", "no:xdist", *args)

    return run


@REFUSED
@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            VAIN,
            "ERROR: --interp-model planted-qwen3=planted-llama: no test of this run is on "
            "'planted-qwen3', so nothing would run on planted-llama: its tests are on "
            "planted-gpt2, planted-llama.",
        ),
        ("--interp-model=planted-gtp2=/tmp", "*Did you mean 'planted-gpt2'*"),
        (
            "--interp-model=planted-qwen3",
            "*every test of this run names its own model, so none takes 'planted-qwen3'*"
            "To run the specs of planted-gpt2 on it: --interp-model planted-gpt2=planted-qwen3",
        ),
    ],
)
def test_what_no_test_takes_fails_the_run(spec, collect, option, message):
    spec(TWO)
    result = collect(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert collect(option, "-k", "test_x").ret == pytest.ExitCode.USAGE_ERROR


@REFUSED
def test_a_run_without_models_is_given_none(pytester, collect):
    pytester.makepyfile("def test_plain(): ...")
    result = collect("--interp-model", "planted-gpt2=planted-llama")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*nothing would run on planted-llama: none of its tests is on a*"])


@REFUSED
def test_a_yaml_spec_on_another_model(pytester, collect):
    pytester.path.joinpath("a.interp.yaml").write_text(YAML)
    assert collect("a.interp.yaml", VAIN).ret == pytest.ExitCode.USAGE_ERROR
    assert collect("a.interp.yaml", "--interp-model=planted-gpt2=planted-llama").ret == 0


def test_a_model_that_is_taken_is_fine(pytester, spec, collect):
    spec(TWO)
    pytester.makepyfile(test_open=OPEN)
    assert (
        collect("--interp-model=planted-gpt2", "--interp-model=planted-qwen3", "-W", "error").ret
        == 0
    )
    assert collect("--interp-model=planted-gpt2=planted-qwen3", "-W", "error").ret == 0


@WARNED
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([LEFT_OUT, "-k", "test_x"], "The tests on it were deselected."),
        ([LEFT_OUT, "--deselect=test_spec.py::test_llama"], "The tests on it were deselected."),
        ([VAIN, "test_spec.py::test_x"], "The run was filtered by test_spec.py::test_x"),
        ([VAIN, "--ignore=elsewhere"], "The run was filtered by --ignore"),
    ],
)  # fmt: skip
def test_with_a_filter_it_is_warned_of(spec, collect, arguments, reason):
    spec(TWO)
    result = collect(*arguments, *WARN)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"*PytestWarning: --interp-model**{reason}*"])
    strict = collect(*arguments, "-W", "error")
    assert strict.ret == pytest.ExitCode.USAGE_ERROR
    strict.stderr.fnmatch_lines([f"ERROR: --interp-model**{reason}*"])


@WARNED
def test_last_failed_collects_a_part(pytester, spec):
    spec("def test_x(): assert False")
    marked = "import pytest\n@pytest.mark.interp(model='planted-llama')\ndef test_y(model): ..."
    pytester.makepyfile(test_other=marked)
    plain = ("-p", "no:xdist", "-q", *WARN)
    assert pytester.runpytest_inprocess(*plain, "test_spec.py").ret == 1
    result = pytester.runpytest_inprocess(*plain, "--lf", "--interp-model=planted-llama=gpt2")
    result.stdout.fnmatch_lines(["*PytestWarning: --interp-model*by --last-failed.*"])


def test_a_spec_that_cannot_be_read_shows_its_own_mistake(pytester):
    pytester.path.joinpath("a.interp.yaml").write_text(YAML.replace("claims", "clams"))
    result = pytester.runpytest_inprocess(
        "-p", "no:xdist", *WARN, "--interp-model=planted-gpt2=planted-llama"
    )
    result.assert_outcomes(failed=1, warnings=1)
    result.stdout.fnmatch_lines(
        ["*a.interp.yaml:*unknown key 'clams'*", "*a.interp.yaml::spec may run on*"]
    )


def test_a_file_that_cannot_be_collected_shows_its_own_error(pytester):
    pytester.makepyfile("1 / 0")
    result = pytester.runpytest_inprocess("-p", "no:xdist", VAIN)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*ZeroDivisionError*"])


def test_a_project_that_chooses_its_models_itself_is_warned(pytester, collect):
    pytester.makeconftest(
        "import pytest\nfrom pytest_interp.plugin.asked import Target\n"
        "@pytest.fixture\ndef interp_target():\n    return Target('planted-qwen3', 'nnsight')"
    )
    pytester.makepyfile("def test_x(adapter): ...")
    result = collect(VAIN, *WARN)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*PytestWarning: --interp-model*::test_x may run on it.*"])


@pytest.mark.guarantee(
    "red",
    "A model of the ini file or of addopts fails no run of the project's other tests.",
    sees="A line after the collection, where the run has tests on other models.",
)
@pytest.mark.parametrize(
    "ini",
    [
        "interp_model =\n    planted-gpt2\n    planted-qwen3=planted-llama\n",
        "addopts = --interp-model=planted-gpt2 --interp-model planted-qwen3=planted-llama\n",
    ],
)
def test_values_of_the_project_fail_nothing(pytester, spec, ini):
    pytester.makeini(f"[pytest]\n{ini}")
    arguments = ("--collect-only", "-p", "no:xdist", "-W", "error")
    pytester.makepyfile("def test_plain(): ...")
    result = pytester.runpytest_inprocess(*arguments)
    assert result.ret == 0
    assert "no test of this run" not in result.stdout.str()
    spec(TWO)
    result = pytester.runpytest_inprocess(*arguments)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["interp: no test of this run is on planted-qwen3, for which the ini file names planted*"]
    )


@pytest.mark.guarantee(
    "green",
    "Two checkpoints for one model are refused: none of them counts silently.",
    sees="A usage error that names both.",
)
def test_two_checkpoints_for_one_model(pytester, spec, collect):
    spec(TWO)
    both = [
        "--interp-model=planted-gpt2=planted-llama",
        "--interp-model=planted-gpt2=planted-qwen3",
    ]
    result = collect(*both)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*two checkpoints stand in for 'planted-gpt2': planted-llama and planted-qwen3.*"]
    )
    assert collect(both[0], both[0]).ret == 0
    pytester.makeini("[pytest]\ninterp_model = planted-gpt2=planted-qwen3\n")
    assert collect(both[0]).ret == 0  # the command line overrides the ini file


@REFUSED
def test_workers_end_the_run_too(pytester, spec):
    pytest.importorskip("xdist")
    spec(TWO)
    result = pytester.runpytest_subprocess("-n1", "--interp-model=planted-gtp2=/tmp")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*--interp-model planted-gtp2=/tmp: no test*Did you mean*"])
