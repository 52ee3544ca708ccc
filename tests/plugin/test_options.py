"""Options of a run on models: what is refused, and what the header and the help say."""

import pytest


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--interp-backend=nsight", "unknown backend 'nsight'. Did you mean 'nnsight'?"),
        ("--interp-backend=auto,nnsight", "unknown backend 'auto'"),
        ("--interp-model=x=", "cannot read the model 'x='"),
    ],
)
def test_wrong_option(pytester, option, message):
    result = pytester.runpytest_inprocess(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in "\n".join(result.errlines)


def test_header(pytester):
    result = pytester.runpytest_inprocess(
        "--interp-device=cpu", "--interp-dtype=float64", "--interp-model=gpt2=planted-gpt2"
    )
    result.stdout.re_match_lines(
        [
            r"interp: transformer_lens \d\S+, nnsight \d\S+; device cpu; dtype float64; "
            r"gpt2 from planted-gpt2"
        ]
    )


def test_fixtures_are_documented(pytester):
    shown = pytester.runpytest_inprocess("--fixtures", "-v").stdout.str()
    ours = shown.partition("from pytest_interp.plugin.fixtures")[2].partition("\n---")[0]
    for name in ("interp_target", "model", "adapter", "lens", "trace"):
        assert f"\n{name}" in ours
    assert "no docstring available" not in ours
