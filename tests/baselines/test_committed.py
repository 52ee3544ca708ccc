"""The baselines that come with this repository."""

import io
from pathlib import Path

import pytest
from PIL import Image

from pytest_interp.baselines import store
from pytest_interp.baselines.entry import Entry

REPOSITORY = Path(__file__).parent.parent.parent
ENTRIES = store.slots_below(REPOSITORY / "baselines")


def test_there_are_some():
    assert len(ENTRIES) >= 5


@pytest.mark.parametrize("slot", ENTRIES, ids=lambda slot: slot.stem)
def test_an_entry_is_whole_small_and_made_by_the_reference(slot):
    text = slot.numbers.read_text("utf-8")
    entry = Entry.loads(text, slot.numbers.name)
    assert len(text.encode()) < 30_000
    assert slot.picture.stat().st_size < 60_000
    assert slot.raster.stat().st_size < 60_000
    assert entry.provenance["backend"] == "transformer_lens"
    assert entry.provenance["dtype"] == "float32"
    assert Image.open(io.BytesIO(slot.raster.read_bytes())).size == (400, 300)
    # as the code of today would write it, so that an update changes numbers only
    assert entry.dumps() == text
