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
