"""The report in headless Chromium: it opens, and everything in it is seen."""

import browser
import pytest
from test_report import fill

from refimpl.reproduce import report

pytestmark = pytest.mark.skipif(
    browser.find() is None, reason=f"needs a browser: {', '.join(browser.NAMES)}"
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    report.write(out, fill(out))
    return out / report.HTML_FILE


def test_it_opens_from_disk_without_a_word_in_the_console(path, tmp_path):
    document, messages = browser.open_page(path, tmp_path / "profile")
    assert "</html>" in document and messages == []


def test_the_console_is_listened_to(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<script>console.error("heard")</script>')
    _, messages = browser.open_page(page, tmp_path / "profile")
    assert "heard" in messages[0]


@pytest.mark.parametrize("width", [1200, 360])
def test_everything_is_seen_and_the_page_does_not_scroll_sideways(
    path, width, tmp_path
):
    seen = browser.measure(path.read_text(encoding="utf-8"), width, tmp_path)
    assert seen["scroll"] <= seen["width"] <= width
    assert seen["broken"] == []
    assert len(seen["pictures"]) == 2 and len(seen["formulas"]) > 20
    assert all(min(sizes) > 50 for _, *sizes in seen["pictures"])
    assert min(seen["formulas"]) > 3


def test_what_is_too_wide_or_broken_is_noticed(tmp_path):
    page = '<p style="width:900px">x</p><img src="data:,"><a href="#gone">y</a>'
    seen = browser.measure(page, 360, tmp_path)
    assert seen["scroll"] > seen["width"] and seen["broken"] == ["gone"]
    assert seen["pictures"][0][1] == 0
