"""On what tests run: parametrization, marker, options. Tests are collected, nothing is loaded."""

import pytest

BOTH = ["transformer_lens", "nnsight"]


@pytest.fixture
def collected(pytester):
    """Collect in this process and return the ids of the tests that would run."""

    def collect(*args: str, expect: int = 0) -> list[str]:
        result = pytester.runpytest_inprocess("--collect-only", "-q", "-p", "no:xdist", *args)
        assert result.ret == expect, result.outlines
        return [line for line in result.outlines if "::" in line]

    return collect


def collection_error(pytester, source: str, *args: str) -> str:
    pytester.makepyfile(test_bad="import pytest\n" + source)
    result = pytester.runpytest_inprocess("--collect-only", "-p", "no:xdist", *args)
    assert result.ret == pytest.ExitCode.INTERRUPTED, result.outlines
    result.assert_outcomes(errors=1)
    errors = [line for line in result.outlines if "test_bad.py:" in line]
    assert errors, result.outlines
    return "\n".join(result.outlines[result.outlines.index(errors[0]) :])


def test_adapter_through_any_fixture_is_parametrized(pytester, spec, collected):
    spec(
        """
@pytest.fixture
def curve(lens):
    return lens

def test_direct(adapter): ...
def test_indirect(curve): ...
def test_weights(model): ...
def test_plain(): ...
"""
    )
    assert sorted(collected()) == [
        "test_spec.py::test_direct[planted-gpt2-nnsight]",
        "test_spec.py::test_direct[planted-gpt2-transformer_lens]",
        "test_spec.py::test_indirect[planted-gpt2-nnsight]",
        "test_spec.py::test_indirect[planted-gpt2-transformer_lens]",
        "test_spec.py::test_plain",
        "test_spec.py::test_weights[planted-gpt2]",
    ]


def test_nearest_marker_counts_for_each_argument(pytester, spec, collected):
    spec(
        """
def test_module(adapter): ...

@pytest.mark.interp(backends="nnsight")
class TestClass:
    def test_class(self, adapter): ...

    @pytest.mark.interp(model=["planted-llama", "planted-qwen3"])
    def test_method(self, adapter): ...
"""
    )
    assert sorted(collected()) == [
        "test_spec.py::TestClass::test_class[planted-gpt2-nnsight]",
        "test_spec.py::TestClass::test_method[planted-llama-nnsight]",
        "test_spec.py::TestClass::test_method[planted-qwen3-nnsight]",
        "test_spec.py::test_module[planted-gpt2-nnsight]",
        "test_spec.py::test_module[planted-gpt2-transformer_lens]",
    ]


@pytest.mark.parametrize("plain_last", [False, True], ids=["as collected", "plain ones last"])
def test_tests_of_a_model_stand_together(pytester, spec, collected, plain_last):
    """Also where pytest, as some versions do, or a plugin puts tests without parameters last."""
    pytester.makeconftest(
        "def pytest_collection_modifyitems(items):\n"
        f"    if {plain_last}:\n"
        "        items.sort(key=lambda item: not hasattr(item, 'callspec'))\n"
    )
    spec(
        """
def test_gpt2(adapter): ...
def test_behind_gpt2(): ...

@pytest.mark.interp(model="planted-llama")
def test_llama(adapter): ...

def test_weights_of_gpt2(model): ...
"""
    )
    names = [line.partition("::")[2] for line in collected()]
    models = ["llama" if "llama" in name else "gpt2" for name in names]
    assert models == ["gpt2"] * 4 + ["llama"] * 2


@pytest.mark.parametrize(
    ("option", "backends"),
    [("all", BOTH), ("nnsight", ["nnsight"]), ("nnsight, transformer_lens", BOTH)],
)
def test_option_restricts_backends(pytester, spec, collected, option, backends):
    spec("def test_x(adapter): ...")
    expected = [f"test_spec.py::test_x[planted-gpt2-{backend}]" for backend in sorted(backends)]
    assert sorted(collected(f"--interp-backend={option}")) == expected


def test_auto_is_the_models_own_backend(pytester, spec, collected):
    spec(
        """
@pytest.mark.interp(model=["planted-gpt2", "planted-qwen3"])
def test_own(adapter): ...

@pytest.mark.interp(backends=["nnsight"])
def test_named(adapter): ...

@pytest.mark.interp(model="planted-qwen3")
def test_stand_in(adapter): ...
"""
    )
    given = collected("--interp-backend=auto", "--interp-model=planted-qwen3=planted-llama")
    assert sorted(given) == [
        "test_spec.py::test_named[planted-gpt2-nnsight]",
        "test_spec.py::test_own[planted-gpt2-transformer_lens]",
        "test_spec.py::test_own[planted-qwen3-nnsight]",
        "test_spec.py::test_stand_in[planted-qwen3-nnsight]",
    ]


def test_restriction_that_leaves_nothing_skips_with_its_reason(pytester, spec):
    spec(
        """
@pytest.mark.interp(backends=["nnsight"])
def test_x(adapter): ...
"""
    )
    result = pytester.runpytest_inprocess("-rs", "--interp-backend=transformer_lens")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        ["*test_spec.py*asks for the backend nnsight*restricted to transformer_lens*"]
    )


def test_command_line_over_ini(pytester, collected):
    pytester.makeini("[pytest]\ninterp_backend = nnsight\ninterp_model = planted-gpt2\n")
    pytester.makepyfile("def test_x(adapter): ...")
    assert [line.partition("[")[2] for line in collected()] == ["planted-gpt2-nnsight]"]
    given = collected(
        "--interp-backend=transformer_lens",
        "--interp-model=planted-llama",
        "--interp-model=planted-qwen3",
    )
    assert [line.partition("[")[2] for line in given] == [
        "planted-llama-transformer_lens]",
        "planted-qwen3-transformer_lens]",
    ]


def test_marker_over_default_model(pytester, spec, collected):
    spec("def test_x(model): ...")
    pytester.makepyfile("def test_open(model): ...")
    assert sorted(collected("--interp-model=planted-llama")) == [
        "test_marker_over_default_model.py::test_open[planted-llama]",
        "test_spec.py::test_x[planted-gpt2]",
    ]


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('"smollm2-135m"', "takes no positional arguments, got ('smollm2-135m',)"),
        (
            'modle="x"',
            "argument of the marker interp 'modle'. Did you mean 'model' or",
        ),
        ('other_model="no"', "other_model='no' in the marker interp is neither True nor False"),
        ("model=3", "model=3 in the marker interp is neither a name nor a list of names"),
        ("model=[]", "model=[] in the marker interp is neither"),
        ('model="planted-gpt2", backends=["nsight"]', "unknown backend 'nsight'. Did you mean"),
        ('model="planted-gtp2"', "unknown model 'planted-gtp2'. Did you mean 'planted-gpt2'"),
        ('model="/nowhere/model"', "there is no folder or file /nowhere/model"),
    ],
)
def test_wrong_marker_names_file_and_line(pytester, marker, message):
    shown = collection_error(
        pytester, f"\n@pytest.mark.interp({marker})\ndef test_x(adapter): ...\n"
    )
    assert "test_bad.py:3: test_x: " in shown
    assert message in shown
    assert "Traceback" not in shown


def test_no_model_named(pytester):
    pytester.makepyfile(
        """
        import unittest
        import pytest

        def test_static(lens): ...

        @pytest.mark.interp(model="planted-gpt2")
        def test_dynamic(request):
            request.getfixturevalue("adapter")

        @pytest.mark.interp(model="planted-gpt2")
        class TestCase(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def given(self, adapter): ...

            def test_x(self): ...
        """
    )
    run = pytester.runpytest()
    run.assert_outcomes(errors=2, failed=1)
    shown = run.stdout.str()
    assert shown.count("this test runs on a model but none is named") >= 3
    assert "--interp-model NAME" in shown
    assert "request.getfixturevalue() comes too late" in shown
    assert "Traceback" not in shown
    assert "AttributeError" not in shown


def test_a_suite_with_a_model_of_its_own(pytester):
    """Arguments named as our fixtures, given by a conftest: they have nothing to do with us."""
    pytester.makeconftest(
        """
        def pytest_generate_tests(metafunc):
            if "model" in metafunc.fixturenames:
                metafunc.parametrize("model", ["car", "bike"])
        """
    )
    pytester.makepyfile("def test_shop(model): assert model in ('car', 'bike')")
    pytester.runpytest().assert_outcomes(passed=2)


def test_a_marker_on_one_value(pytester):
    shown = collection_error(
        pytester,
        "from pytest import mark, param\n"
        '@mark.parametrize("x", [1, param(2, marks=mark.interp(model="planted-llama"))])\n'
        '@mark.interp(model="planted-gpt2")\ndef test_x(adapter, x): ...\n',
    )
    assert "test_bad.py:3: test_x: the marker interp stands on one value" in shown


@pytest.mark.parametrize(
    "override",
    [
        "@pytest.fixture\ndef adapter():\n    return 1",
        '@pytest.fixture\ndef interp_target():\n    return Target("a", "nnsight")',
        '@pytest.fixture(params=["one"])\ndef interp_target(request):\n    return request.param',
    ],
)
def test_overridden_fixture_is_not_parametrized_by_us(pytester, spec, collected, override):
    pytester.makeconftest(
        f"import pytest\nfrom pytest_interp.plugin.asked import Target\n{override}\n"
    )
    pytester.makepyfile("def test_x(adapter): ...")
    assert all("nnsight" not in line for line in collected())


@pytest.mark.parametrize(
    "given", ['"interp_target", ["mine"]', 'argvalues=["mine"], argnames="interp_target"']
)
def test_test_may_parametrize_the_target_itself(pytester, spec, collected, given):
    spec(
        f"""
@pytest.mark.parametrize({given})
def test_x(interp_target): ...
"""
    )
    assert collected() == ["test_spec.py::test_x[mine]"]


def test_an_argument_whose_name_holds_that_of_the_target_is_another(pytester, spec, collected):
    spec(
        """
@pytest.mark.parametrize("my_interp_target", ["mine"])
def test_x(my_interp_target, model): ...
"""
    )
    (found,) = collected()
    assert "planted-gpt2" in found


def test_override_that_asks_for_ours_is_parametrized(pytester, spec, collected):
    pytester.makeconftest(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def interp_target(interp_target):\n    return interp_target\n"
    )
    spec("def test_x(adapter): ...")
    assert len(collected()) == 2
