"""A claim over several checkpoints."""

from __future__ import annotations

from made_runs import a_claim, a_run, a_test

from pytest_interp.report.comparison.several import as_table, claim_lines

BACKENDS = ("transformer_lens", "nnsight")


def run(*claims, backends=BACKENDS[:1]):
    tests = (
        a_test("test_a", "passed" if claim.status == "passed" else "failed", [claim], backend=b)
        for claim in claims
        for b in backends
    )
    return a_run(*tests)


HOLDS, FAILS = a_claim(margin=0.2), a_claim("failed", margin=-0.5)


def test_each_claim_has_a_point_on_each_checkpoint():
    (line,) = claim_lines([run(FAILS), run(HOLDS), run(HOLDS)])
    assert [point.status for point in line.points] == ["failed", "passed", "passed"]
    assert [point.margin for point in line.points] == [-0.5, 0.2, 0.2]
    assert line.change == 1
    assert as_table(["0", "1", "2"], [line]) == [
        ["claim", "0", "1", "2"],
        ["test_a (transformer_lens)", "fails -0.50", "holds +0.20", "holds +0.20"],
    ]


def test_a_checkpoint_that_did_not_reach_a_claim_has_no_point():
    broken = a_run(a_test("test_a", "error", message="boom"))
    lines = {line.claim: line for line in claim_lines([run(HOLDS), broken])}
    points = lines["the fact sits on the subject"].points
    assert [point.status for point in points] == ["passed", None]


def test_backends_that_agree_everywhere_share_a_line():
    (line,) = claim_lines([run(HOLDS, backends=BACKENDS), run(FAILS, backends=BACKENDS)])
    assert line.backends == BACKENDS
    parted = a_run(
        a_test("test_a", "passed", [HOLDS], backend=BACKENDS[0]),
        a_test("test_a", "failed", [FAILS], backend=BACKENDS[1]),
    )
    assert len(claim_lines([run(HOLDS, backends=BACKENDS), parted])) == 2


def test_what_changed_first_comes_first():
    steady, late, early = (a_claim(claim=name) for name in ("steady", "late", "early"))

    def at(step):
        tests = [a_test("s", claims=[steady])]
        for name, claim, when in (("l", late, 2), ("e", early, 1)):
            said = claim if step >= when else a_claim("failed", claim=claim.claim)
            tests.append(a_test(name, said.status, [said]))
        return a_run(*tests)

    lines = claim_lines([at(step) for step in range(3)])
    assert [line.claim for line in lines] == ["early", "late", "steady"]
