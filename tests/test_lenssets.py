"""Logit lenses of a set of facts."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import lens, lens_set

from pytest_interp import FactPrompt, FactSet, LensSet
from pytest_interp.claims import Status, check_crystallises
from pytest_interp.errors import ClaimError


def join(*made):
    """Lenses as one set, each of tokens of its own."""
    own = tuple(replace(one, str_tokens=(f"{i}",)) for i, one in enumerate(made))
    return LensSet(own, ("t",) * len(own), tuple(map(str, range(len(own)))))


def test_its_json_is_curves_by_fact_and_layer():
    made = lens_set(8, 3, 12)
    told = made.to_json()
    assert told["kind"] == "logit_lenses"
    assert told["crossover_layer"] == told["settled_layer"] == [8, 3, None]
    assert (told["ids"], told["prompts"]) == (["a", "b", "c"], ["0", "1", "2"])
    assert told["answers"] == [" Paris"] * 3
    for name, axes in made.axes().items():
        sizes = [len(told[axis.labels]) for axis in axes]
        assert list(np.shape(told[name])) == sizes, name
    of_second = lens(crossover=3)
    assert told["answer_rank"][1] == of_second.answer_rank.tolist()
    assert told["answer_margin"][1] == pytest.approx(of_second.answer_margin)
    assert told["answer_prob"][1] == pytest.approx(of_second.answer_prob)


def test_findings_and_tolerances_are_of_fields_that_it_has():
    made = lens_set(8, 3)
    told = made.to_json()
    for name, decision in made.findings().items():
        assert name in told
        assert decision.by in told
        assert decision.by in made.tolerances()
    assert set(made.findings()) == {"crossover_layer", "settled_layer", "answer_rank"}
    assert made.tolerances()["answer_prob"] == lens().tolerances()["answer_prob"]


def test_its_summary_tells_the_median_and_in_how_many():
    assert "on top from layer 5.5 (median), in 2 of them" in lens_set(8, 3, 12).summary()
    assert "no answer stays on top to the end, in 0 of them" in lens_set(12, 12).summary()


def test_parts_of_a_set():
    made = lens_set(8, 3, 12, 5, templates="abab")
    picked = made.pick([2, 0])
    assert (picked.ids, picked.templates) == (("c", "a"), ("a", "a"))
    assert picked.settled_layers() == [None, 8]
    first, second = made.split(0.5, seed=3)
    assert sorted(first.ids + second.ids) == list(made.ids)
    assert len(first) == len(second) == 2


def test_of_a_fact_set_it_has_the_ids_and_templates():
    fact = FactPrompt(clean_prompt="x is", answer=" 1", counterfactual_answer=" 2", subject="x")
    facts = FactSet.of([fact], "name")
    made = LensSet.of(facts, [lens()])
    assert (made.ids, made.templates, made.name) == (("0",), ("{} is",), "name")


@pytest.mark.parametrize("field", ["fingerprint", "backend", "dtype", "attention", "bos"])
def test_lenses_of_two_models_or_backends_do_not_mix(field):
    with pytest.raises(ClaimError, match=f"the lenses of one set differ in {field}: .*'another'"):
        join(lens(), lens(**{field: "another"}))


def test_lenses_of_other_layers_do_not_mix():
    with pytest.raises(ClaimError, match="differ in n_layers"):
        join(lens(), replace(lens(), n_layers=13))


def test_a_prompt_stands_in_a_set_once_by_its_tokens():
    one, spaced = lens(), replace(lens(), prompt="The capital of  France is")
    with pytest.raises(ClaimError, match="'The capital of  France is' is given twice, at 0 and 1"):
        LensSet((one, spaced), ("t", "t"), ("a", "b"))
    assert len(LensSet((one, replace(one, position=2)), ("t", "t"), ("a", "b"))) == 2
    with pytest.raises(ClaimError, match="has an id twice"):
        LensSet(join(one, one).lenses, ("t", "t"), ("a", "a"))
    with pytest.raises(ClaimError, match="LensSet needs one template and one id for each"):
        LensSet((one,), ("t", "t"), ("a",))


class TestTheClaim:
    def test_of_a_set_is_that_of_its_lenses_by_template(self):
        made = lens_set(5, 5, 5, 5, 7, 7, 7, 7, templates="aaaabbbb")
        of_set = check_crystallises(made, by_layer=8)
        of_list = check_crystallises(made.lenses, by_layer=8, clusters="aaaabbbb")
        assert of_set.to_json() == of_list.to_json()
        assert of_set.status is Status.PASSED
        assert of_set.n_clusters == 2
        assert of_set.scope.endswith("; in each template on its own")
        # a mean over both would lie at 6
        false = check_crystallises(made, by_layer=6)
        assert (false.status, false.effect.where) == (Status.FAILED, "settled layer, template 'b'")
        apart = check_crystallises(made, by_layer=8, clusters="abcdefgh")
        assert (apart.status, apart.n_clusters) == (Status.PASSED, 8)

    @pytest.mark.guarantee(
        "green",
        "A claim about several prompts is about one model under one backend, each prompt once.",
        sees="A ClaimError that names what differs, or the prompt that is given twice.",
    )
    @pytest.mark.parametrize("field", ["fingerprint", "backend"])
    def test_of_two_models_or_backends_is_refused(self, field):
        other = replace(lens(**{field: "another"}), str_tokens=("another",))
        with pytest.raises(ClaimError, match=f"differ in {field}"):
            check_crystallises([lens(), other], by_layer=9)

    @pytest.mark.guarantee(
        "green",
        "A claim about several prompts is about one model under one backend, each prompt once.",
        sees="A ClaimError that names what differs, or the prompt that is given twice.",
    )
    def test_counts_prompts_of_the_same_tokens_once(self):
        spaced = replace(lens(), prompt="The capital of  France is")
        with pytest.raises(ClaimError, match="is given twice"):
            check_crystallises([lens(), spaced], by_layer=9)

    def test_of_a_set_needs_all_layers(self):
        made = lens_set(8, 3)
        curves = ("answer_prob", "answer_rank", "answer_margin", "top_token", "top_margin")
        part = {n: getattr(made.lenses[0], n)[:9] for n in curves}
        some = LensSet((replace(made.lenses[0], layers=tuple(range(9)), **part),), ("t",), ("a",))
        with pytest.raises(ClaimError, match="read all layers"):
            check_crystallises(some, by_layer=8)
