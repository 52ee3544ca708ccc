"""Runs made by hand, for tests of what shows a run: every outcome, and text that is hostile."""

import base64
import io
from dataclasses import asdict, replace

import made_results
from made_runs import a_run, a_test
from PIL import Image, ImageDraw

from pytest_interp.report.run import (
    BaselineRecord,
    ChangeRecord,
    ClaimRecord,
    ControlRecord,
    FigureFile,
    Interval,
    ReadingRecord,
    ResultRecord,
)

TL, NN = "transformer_lens", "nnsight"
HOSTILE = "<script>alert('x')</script> \"&amp;' </script><!-- \x1b[31mred\x07 \u202egnp\u2028end"
"""What may stand in a prompt: markup, quotes, terminal escapes, text turned around."""
PROVENANCE = made_results.MADE.to_json() | {
    "versions": {"pytest-interp": "0.1.0", "torch": "2.13.0"},
    "git_sha": "0123456789abcdef0123456789abcdef01234567",
    "git_dirty": False,
}
SPEC = "specs/test_capitals.py"


def picture(column=7, size=(640, 360)):
    """A figure as a picture: a bar that stands in one of twelve columns."""
    image = Image.new("RGB", size, "white")
    width = size[0] // 12
    ImageDraw.Draw(image).rectangle(
        (column * width, 40, (column + 1) * width, size[1] - 40), fill="#d55e00"
    )
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return FigureFile(media="image/png", data=base64.b64encode(buffer.getvalue()).decode())


def claim(status="passed", value=0.93, low=0.88, high=0.97, threshold=0.8, **changes):
    """One verdict about a set of facts; the number that decides is claimed to be at least 0.80."""
    margin = None if low is None else low - threshold
    said = "undefined" if value is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
    where = "layer 22, subject"
    made = {
        "claim": "the fact sits at resid_post@subject in layers 0 to 22, and nowhere else",
        "status": status,
        "headline": f"{status}: {said} at {where}, claimed at least 0.80",
        "sentence": {
            "passed": "True in all 56 cells.",
            "failed": "False in 6 of 56 cells.",
            "inconclusive": "The interval of 3 cells lies on both sides of the threshold.",
        }[status],
        "scope": "n = 37 from 5 templates, about 34 answers",
        "n": 37,
        "effect": Interval(value=value, low=low, high=high, where=where),
        "claimed": "at least 0.80",
        "threshold": threshold,
        "margin": margin,
        "confidence": 0.95,
        "controls": (
            ControlRecord(text="identity patch: 0.000, at most 0.050", holds=True),
            ControlRecord(text="shuffled weights: undefined", holds=None),
        ),
        "verdict": {"direction": "denoise", "metric": "logit_diff", "corruption": "interchange"},
    }
    return ClaimRecord(**(made | changes))


def result(made=None, figure=None, baseline=None, **changes):
    """The record of a result."""
    made = made or made_results.trace()
    record = ResultRecord(
        kind=type(made).__name__,
        summary=made.summary(),
        result=made.to_json(),
        axes={k: tuple((a.name, a.labels) for a in axes) for k, axes in made.axes().items()},
        readings=tuple(ReadingRecord(**asdict(one)) for one in made.readings()),
        provenance=PROVENANCE,
        figure=figure,
        baseline=baseline,
    )
    return replace(record, **changes)


def baseline(state="same", **changes):
    """What a comparison found."""
    name = "baselines/specs/test_capitals/test_the_fact--smollm2-135m.json"
    return BaselineRecord(**{"file": name, "name": None, "state": state, **changes})


MOVED = baseline(
    "changed",
    changes=(
        ChangeRecord(
            path="recovery at layer 7, token ' France' (3)",
            text="recovery at layer 7, token ' France' (3): 0.97 -> 0.41, by -0.56",
            old=0.97,
            new=0.41,
            excess=560.0,
            keys=("recovery", 7, 3),
        ),
        ChangeRecord(path="peak.layer", text="peak.layer: 1 -> 2", old=1, new=2),
        ChangeRecord(
            path="recovery at layer 2, token ' of' (2)",
            text="recovery at layer 2, token ' of' (2): 0.0001 -> 0.0002",
            old=0.0001,
            new=0.0002,
            excess=0.4,
            within_noise=True,
        ),
    ),
    provenance=("versions.torch: 2.12.0 -> 2.13.0",),
    figure_problem="the figure looks different: 2.4 % of its pixels changed",
    old_figure=picture(7),
    pending="4f2a",
)


def one_test(name="test_the_fact_sits_on_the_subject", backend=TL, spec=SPEC, **changes):
    """One test of a run, on SmolLM2; it passed unless told otherwise."""
    model = changes.pop("model", "smollm2-135m")
    node = f"{spec}::{name}[{'-'.join(filter(None, (model, backend)))}]"
    made = {
        "id": node,
        "spec": spec,
        "about": "Of the mean over the set: the interval keeps to its side of each threshold.",
        "model": model,
        "backend": backend,
        "seconds": 1.25,
        "command": f"pytest '{node}'",
    }
    return a_test(name, **(made | changes))


def run(*tests, **changes):
    """A run of these tests; of one of each kind where none is given."""
    return a_run(*(tests or every_kind()), **{"seconds": 83.4, "git_dirty": True, **changes})


def every_kind():
    """A test of each outcome and each state of a baseline, on one backend or on both."""
    failed = claim(
        "failed",
        value=0.41,
        low=0.33,
        high=0.49,
        details="cells that break the claim:\n  layer 7, subject: 0.410, claimed at least 0.80",
        controls=(ControlRecord(text="identity patch: 0.200, at most 0.050", holds=False),),
    )
    broken = result(made_results.trace(hand_off=6), picture(6), MOVED)
    both = (TL, NN)
    name = "test_the_fact_sits_on_the_subject"
    return (
        *(
            one_test(name, b, outcome="failed", message="moved", claims=(failed,), results=(r,))
            for b, r in zip(both, (broken, replace(broken, figure=picture(5))), strict=True)
        ),
        *(
            one_test(
                "test_paris_comes_last[France]",
                b,
                claims=(claim(value=29.0, low=29.0, high=29.0, threshold=29.5, n=1),),
                results=(result(made_results.lens(), picture(8), baseline()),),
            )
            for b in both
        ),
        one_test(
            "test_half_of_them", outcome="inconclusive", claims=(claim("inconclusive", low=0.7),)
        ),
        one_test(
            "test_one_backend_disagrees",
            TL,
            claims=(claim(), claim(claim="and the last token has it from layer 23 on")),
            results=(result(figure=picture(3), baseline=baseline("within")),),
        ),
        one_test(
            "test_one_backend_disagrees",
            NN,
            outcome="failed",
            claims=(claim(), claim("failed", low=0.5, value=0.6, high=0.7)),
        ),
        one_test(
            "test_undefined",
            outcome="inconclusive",
            claims=(claim("inconclusive", value=None, low=None, high=None, margin=None),),
            results=(result(made_results.trace(shift=float("nan")), baseline=baseline("new")),),
        ),
        one_test("test_written", results=(result(baseline=baseline("written")),)),
        one_test("test_damaged", outcome="failed", results=(result(baseline=UNREADABLE),)),
        one_test("test_set", results=(result(made_results.lens_set(5, 6, 12)),)),
        one_test("test_no_weights", outcome="skipped", message="no weights of gpt2: ..."),
        one_test("test_known_bug", outcome="xfailed", message="reason: a known bug"),
        one_test("test_mended", outcome="xpassed"),
        one_test("test_broke", outcome="error", message="RuntimeError: out of memory"),
        hostile(),
    )


UNREADABLE = baseline("unreadable")


def hostile():
    """A test whose every text is hostile."""
    made = made_results.trace()
    words = tuple(f"{HOSTILE}{i}" for i in range(5))
    control = ControlRecord(text=HOSTILE, holds=None)
    change = ChangeRecord(path=HOSTILE, text=HOSTILE, old=HOSTILE, new=[HOSTILE])
    compared = baseline("changed", changes=(change,), provenance=(HOSTILE,), figure_problem=HOSTILE)
    return one_test(
        f"test_hostile[{HOSTILE}]",
        model=HOSTILE,
        spec="specs/test_hostile.py",
        about=HOSTILE,
        outcome="failed",
        message=HOSTILE,
        command=f"pytest {HOSTILE}",
        claims=(
            claim(
                "failed",
                claim=HOSTILE,
                headline=HOSTILE,
                sentence=HOSTILE,
                scope=HOSTILE,
                details=HOSTILE,
                claimed=HOSTILE,
                controls=(control,),
                effect=Interval(value=0.1, low=0.0, high=0.2, where=HOSTILE),
            ),
        ),
        results=(
            result(
                replace(made, str_tokens=words),
                summary=HOSTILE,
                kind=HOSTILE,
                provenance=PROVENANCE | {"model": HOSTILE, HOSTILE: HOSTILE},
                baseline=compared,
            ),
        ),
    )


def many(n):
    """A run of ``n`` claims, all with a map and a figure of their own kind."""
    held = result(figure=picture(2), baseline=baseline())
    tests = [
        one_test(
            f"test_claim[{i:03}]",
            backend,
            f"specs/test_part_{i % 10}.py",
            model=("smollm2-135m", "gpt2")[i % 2],
            outcome="failed" if i % 50 == 0 else "passed",
            claims=(claim("failed" if i % 50 == 0 else "passed"),),
            results=(held,),
        )
        for i in range(n)
        for backend in (TL, NN)
    ]
    return run(*tests)
