"""Python in the documentation parses, imports what there is, and is there at all."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
BLOCK = re.compile(
    r'^(?P<indent> *)```python(?: title="[^"]+")?\n(?P<code>.*?)^ *```', re.DOTALL | re.MULTILINE
)
SNIPPET = re.compile(r'^ *--8<-- "(?P<file>[^":]+)(?::(?P<section>[\w-]+))?"$', re.MULTILINE)
LIKE_A_SNIPPET = re.compile(r"^.*-\s*-\s*8\s*<.*$", re.MULTILINE)


def blocks(page: Path) -> list[str]:
    """Python blocks of a page, included files written out."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    codes = [re.sub(rf"^{m['indent']}", "", m["code"], flags=re.MULTILINE) for m in found]
    return [SNIPPET.sub(lambda m: (DOCS / m["file"]).read_text("utf-8"), code) for code in codes]


@pytest.mark.parametrize("page", [*PAGES, *sorted(DOCS.glob("*.py"))], ids=lambda page: page.name)
def test_python_parses_and_its_imports_exist(page):
    code_of = {".md": blocks, ".py": lambda script: [script.read_text(encoding="utf-8")]}
    for code in code_of[page.suffix](page):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pytest_interp"):
                module = importlib.import_module(node.module)
                missing = [name.name for name in node.names if not hasattr(module, name.name)]
                assert not missing, f"{page.name} imports {missing} from {node.module}"


def test_blocks_are_found():
    assert any("FactPrompt" in code for code in blocks(DOCS / "quickstart.md"))
    assert any("causal_trace(" in code for code in blocks(DOCS / "walkthrough.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_includes_is_there(page):
    """A formatter that takes the line for code leaves one that includes nothing."""
    for line in LIKE_A_SNIPPET.findall(page.read_text(encoding="utf-8")):
        snippet = SNIPPET.fullmatch(line)
        assert snippet, f"{page.name}: {line!r} includes nothing"
        file = DOCS / snippet["file"]
        assert file.is_file(), f"{page.name}: {line!r}"
        if snippet["section"]:
            assert f"--8<-- [start:{snippet['section']}]" in file.read_text(encoding="utf-8")


def test_walkthrough_shows_its_code():
    """As the site renders it."""
    markdown = pytest.importorskip("markdown")
    pytest.importorskip("pymdownx")
    html = markdown.markdown(
        (DOCS / "walkthrough.md").read_text(encoding="utf-8"),
        extensions=["pymdownx.superfences", "pymdownx.snippets"],
        extension_configs={"pymdownx.snippets": {"base_path": DOCS, "check_paths": True}},
    )
    assert "causal_trace(" in re.sub(r"<[^>]+>", "", html)


@pytest.mark.guarantee(
    "kept",
    "The page for those who know TransformerLens names the hook of every site.",
    sees="A table of hooks and sites, as the package has them.",
)
def test_the_hooks_of_transformer_lens_are_named():
    from pytest_interp.adapters.places import HOOKS
    from pytest_interp.adapters.sites import SITES

    rows = re.findall(
        r"^\| `(\S+hook_\w+)` \| `(\S+)` \|$",
        (DOCS / "from_transformer_lens.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    named = {
        f"blocks.L.{hook}" if SITES.here()[kind].in_blocks else hook: (
            f"{kind}.L" if SITES.here()[kind].in_blocks else kind
        )
        for kind, hook in HOOKS.here().items()
    }
    assert dict(rows) == named


REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")


def listed() -> set[str]:
    """Dotted names of what the reference lists."""
    found = set()
    for entry in re.findall(r"^::: (.+(?:\n    .+)*)", REFERENCE, re.MULTILINE):
        target = entry.split()[0]
        members = re.search(r"members: \[(.*?)\]", entry)
        found |= {f"{target}.{name}" for name in members[1].split(", ")} if members else {target}
    return found


def test_what_the_reference_lists_is_there():
    """The site leaves out a member that there is not, and says nothing."""
    for name in listed() - {"pytest_interp.errors"}:
        module, _, member = name.rpartition(".")
        assert hasattr(importlib.import_module(module), member), name


def test_what_is_public_is_in_the_reference():
    names = {name.rpartition(".")[2] for name in listed()}
    for stub in sorted((ROOT / "pytest_interp").rglob("__init__.pyi")):
        exported = re.findall(r"(\w+) as \1", stub.read_text(encoding="utf-8"))
        missing = [name for name in exported if name.replace("assert_", "check_") not in names]
        assert not missing, f"{stub.parent.name}: {missing}"
