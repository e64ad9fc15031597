"""Every block of every page of docs/ runs, in the page's order, and prints what the page says."""

import pytest
from doc_pages import PAGES, RUN, blocks, differences, needs

WRITTEN = [page for page in PAGES if any(block.language in RUN for block in blocks(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", WRITTEN)
def test_the_blocks_of_a_page_run(page, open_page):
    with open_page(needs(page)) as opened:
        for block, printed, wrong in opened.play(page):
            assert not wrong, f"docs/{page}, line {block.line}: {wrong}\n{block.text}\nprinted:\n{printed[-4000:]}"
    assert set(opened.ended.values()) <= {0}, opened.ended


@pytest.mark.parametrize(("expected", "printed", "missing"), [
    ("a 1\nb …", "a   1\nwhatever\nb 2", []), ("a 2", "a 1", ["a 2"]), ("b\na", "a\nb", ["a"]), ("a\na", "a", ["a"]), ("a …", "ab", ["a …"])])
def test_what_a_page_shows_is_compared(expected, printed, missing):
    assert differences(expected, printed) == missing


def test_what_fails_in_a_block_is_told(open_page, tmp_path, monkeypatch):
    monkeypatch.setattr("doc_pages.DOCS", tmp_path)
    (tmp_path / "page.md").write_text("```bash\ncerebrolab nothing\n```\n<!-- exit code 3 -->\n```python\nraise SystemExit(3)\n```\n```python\nprint(1)\n```\n```text\n2\n```\n")
    with open_page([]) as opened:
        assert [wrong for _, _, wrong in opened.play("page.md")] == [["exit code 2"], [], [], ["2"]]
