"""Changes shown one by one, each with a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_interp.baselines.review import Change, Review
from pytest_interp.errors import BaselineError
from pytest_interp.report.review.words import described, spoken

_QUESTION = "accept (a), refuse (r), skip (s) or quit (q)? "
_NOTE = "why, for the history of the entry (may be empty): "


def ask_each(
    review: Review,
    changes: Sequence[Change],
    ask: Callable[[str], str],
    say: Callable[[str], None],
    note: str = "",
) -> None:
    """Show each change and do what the answer says.

    Args:
        review: what accepts and refuses.
        changes: what is shown. Those that wait no more by then are passed over.
        ask: shows a question and returns the answer; EOFError means to quit.
        say: shows a text.
        note: the note of what is accepted; without one it is asked for.
    """
    for number, asked in enumerate(changes, 1):
        # what was accepted before may have settled this one, or changed what it is compared with
        change = next((one for one in review.changes() if one.id == asked.id), None)
        if change is None:
            continue
        say(f"\n[{number} of {len(changes)}] {described(change)}")
        try:
            answer = _answer(ask, say, may_accept=not change.why)
            if answer == "q":
                return
            if answer == "a":
                said = review.accept(change, note or ask(_NOTE))
            else:
                said = review.refuse(change) if answer == "r" else []
        except BaselineError as error:
            said = [str(error)]
        except EOFError:
            return
        if said:
            say(spoken(said))


def _answer(ask: Callable[[str], str], say: Callable[[str], None], *, may_accept: bool) -> str:
    """One of the letters; the question comes again until it is answered."""
    letters = "arsq" if may_accept else "rsq"
    question = _QUESTION if may_accept else _QUESTION.partition(", ")[2]
    while True:
        answer = ask(question).strip().lower()[:1]
        if answer and answer in letters:
            return answer
        say(f"answer with one of the letters {', '.join(letters)}")
