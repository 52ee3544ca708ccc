"""The review as a page with forms, on this machine alone."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence

from pytest_interp.baselines.files import digest, read
from pytest_interp.baselines.review import MAX_NOTE, Change, Review
from pytest_interp.documents import shown
from pytest_interp.errors import InterpError
from pytest_interp.report.pages import page
from pytest_interp.report.review.server import Form, ReviewServer


class ReviewPage:
    """Shows what waits, and accepts and refuses what its reader decides.

    Only what has one of these ids is shown, where there are any.

    A decision is about what was shown: one that another run has replaced meanwhile is not written.
    """

    def __init__(self, review: Review, ids: Sequence[str] = (), port: int = 0) -> None:
        self._review = review
        self._ids = ids
        self._shown: dict[str, Change] = {}
        self._said: list[str] = []
        """What came of the last decision."""
        self._went_wrong = False
        self._ending = False
        self.done = threading.Event()
        actions = {"accept": self._accept, "refuse": self._refuse, "done": self._end}
        self.server = ReviewServer(self._page, actions, port)

    def serve(self) -> None:
        """Answer until the reader says that it is done. KeyboardInterrupt goes through."""
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        try:
            while not self.done.wait(1.0):
                pass
        finally:
            self.server.shutdown()
            self.server.server_close()

    def _page(self) -> str:
        figures: dict[str, list[tuple[str, str, str]]] = {}
        try:
            self._shown = {} if self._ending else {_key(change): change for change in self._asked()}
            figures = {key: _figures(change) for key, change in self._shown.items()}
        except InterpError as error:
            self._shown, self._said, self._went_wrong = {}, str(error).splitlines(), True
        said, self._said = self._said, []
        return page(
            "review.html",
            styles=("review.css",),
            scripts=("review.js",),
            allowed={"form-action": "'self'"},
            changes=[
                (key, change, shown(change.into), figures[key])
                for key, change in self._shown.items()
            ],
            project=self._review.rootdir.name,
            max_note=MAX_NOTE,
            said=said,
            went_wrong=self._went_wrong,
            done=self._ending,
        )

    def _asked(self) -> list[Change]:
        changes = self._review.changes()
        return [one for one in changes if not self._ids or one.id.startswith(tuple(self._ids))]

    def _accept(self, form: Form) -> None:
        self._do(form, lambda change: self._review.accept(change, form.get("note", "")))

    def _refuse(self, form: Form) -> None:
        self._do(form, self._review.refuse)

    def _do(self, form: Form, act: Callable[[Change], list[str]]) -> None:
        change = self._shown.get(form.get("key", ""))
        try:
            self._said = act(change) if change else ["this is not shown any more: look again"]
            self._went_wrong = change is None
        except InterpError as error:
            self._said, self._went_wrong = str(error).splitlines(), True

    def _end(self, _: Form) -> None:
        self._ending = True
        threading.Timer(2.0, self.done.set).start()  # the page says so first


def _key(change: Change) -> str:
    """What was shown: the id alone may mean another result by now."""
    return f"{change.id}-{digest(change.waiting.seen)[:16]}"


def _figures(change: Change) -> list[tuple[str, str, str]]:
    """Label, address and kind of each figure."""
    pictures = (("saved", change.old_picture), ("new", change.new_picture))
    return [
        (label, f"data:image/png;base64,{base64.b64encode(read(path)).decode()}", "image/png")
        for label, path in pictures
        if path is not None
    ]
