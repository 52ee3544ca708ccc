"""The first specs that the documentation shows hold as they are printed."""

from pathlib import Path

import pytest

from pytest_interp.models import inventory
from tests.test_docs import DOCS, ROOT, blocks


def first_block(page: Path, word: str) -> str:
    return next(code for code in blocks(page) if word in code)


@pytest.mark.slow
@pytest.mark.guarantee(
    "kept",
    "The specs of the README and of the quick start hold as printed, and again on their baselines.",
    sees="The first command of a new user passes, with the newest dependencies too.",
)
@pytest.mark.parametrize(
    ("page", "word", "passed"),
    [
        (ROOT / "README.md", "test_paris_comes_last", 4),
        (ROOT / "README.md", "load_prompts", 2),
        (DOCS / "quickstart.md", "test_one_attention_layer_moves_it", 6),
    ],
    ids=["readme", "probe", "quick start"],
)
def test_a_printed_spec_holds(pytester, page, word, passed):
    if not next(one for one in inventory() if one.name == "smollm2-135m").available:
        pytest.skip("the weights of smollm2-135m are missing")
    pytester.makepyfile(test_printed=first_block(page, word))
    for update in (["--interp-update=missing"], []):
        run = pytester.runpytest_subprocess("-p", "no:xdist", *update)
        run.assert_outcomes(passed=passed)
