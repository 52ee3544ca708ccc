"""``--interp-only``: the tests on one model."""

BODY = """
import pytest

@pytest.mark.interp(model=["planted-gpt2", "planted-llama"])
def test_both(model):
    pass

def test_none():
    pass
"""


def test_tests_on_other_models_are_left_out(pytester):
    pytester.makepyfile(BODY)
    collect = ("--collect-only", "-q", "-p", "no:cacheprovider")
    result = pytester.runpytest_inprocess(*collect, "--interp-only=planted-gpt2")
    shown = result.stdout.str()
    assert "test_both[planted-gpt2]" in shown
    assert "1/3 tests collected (2 deselected)" in shown
    everything = pytester.runpytest_inprocess(*collect).stdout.str()
    assert "3 tests collected" in everything
    two = pytester.runpytest_inprocess(
        *collect, "--interp-only=planted-gpt2", "--interp-only=planted-llama"
    )
    assert "2/3 tests collected" in two.stdout.str()


def test_a_model_that_no_test_is_on_is_refused(pytester):
    pytester.makepyfile(BODY)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--interp-only=planted-gtp2")
    assert result.ret == 4
    said = "no test of this run is on that model. The specs name planted-gpt2, planted-llama"
    assert said in result.stderr.str()
