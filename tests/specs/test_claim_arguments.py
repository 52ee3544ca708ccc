"""The arguments of claims in spec files, as functions of others take them."""

from collections.abc import Iterable

import pytest

from pytest_interp.claims import Status, Verdict, register_claim
from pytest_interp.errors import SpecError
from pytest_interp.specs.schema import read_spec


def test_arguments_that_cannot_be_read_are_told_with_file_and_line(write_spec):
    def assert_odd(result, part: "Nowhere" = None): ...  # noqa: F821

    register_claim("odd")(assert_odd)
    text = "model: planted-gpt2\nexperiment: logit_lens\ninputs: {prompt: a, answer: b}\n"
    with pytest.raises(SpecError, match=r"yaml:4: the arguments of assert_odd cannot be read"):
        read_spec(write_spec(text + "claims: [{odd: {}}]\n"))


@pytest.mark.guarantee(
    "green",
    "An argument of a claim in a spec file is the same for every result that it is asked of.",
    sees="The claim is judged by the whole list each time.",
)
def test_arguments_are_the_same_for_every_result(write_spec):
    seen = []

    @register_claim("several")
    def check_several(result, heads: str | Iterable[str]):
        seen.append(list(heads))
        return Verdict("c", Status.PASSED, "s", 1, 1)

    text = "model: planted-gpt2\nexperiment: logit_lens\ninputs: {prompt: a, answer: b}\n"
    (claim,) = read_spec(write_spec(text + "claims: [{several: {heads: [a, b]}}]\n")).claims
    for _ in range(2):
        claim.check(None)
    assert seen == [["a", "b"], ["a", "b"]]
