"""A browser without a window, for tests of the report: Chromium, where it is found."""

import html
import json
import re
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
)
# Runs beside the page, which allows no script but its own, and looks into it.
BESIDE = """<!DOCTYPE html><meta charset="utf-8"><pre id="said"></pre>
<iframe srcdoc="{page}" style="border:0;width:{width}px;height:800px"></iframe>
<script>
window.onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  const all = (what) => [...page.querySelectorAll(what)];
  const said = (() => {{ {script} }})();
  document.getElementById("said").textContent = JSON.stringify(said);
}};
</script>"""
MEASURE = """
const box = (one) => one.getBoundingClientRect();
const pictures = page.images, links = all("a[href^='#']");
return {
  width: page.documentElement.clientWidth,
  scroll: page.documentElement.scrollWidth,
  pictures: [...pictures].filter((one) => one.checkVisibility()).map((one) => [
    one.alt, one.naturalWidth, box(one).width, box(one).height]),
  formulas: all("math").map((one) => box(one).width),
  broken: links.map((one) => decodeURIComponent(one.hash.slice(1)))
    .filter((name) => !page.getElementById(name)),
};"""


def find():
    """Path of the browser, or ``None``."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def open_page(path, folder):
    """(document after loading, console messages) of the file at `path`."""
    done = subprocess.run(
        [find(), *OPTIONS, f"--user-data-dir={folder}", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return done.stdout, [li for li in done.stderr.splitlines() if "CONSOLE" in li]


def measure(page, width, folder):
    """Sizes of the HTML text `page` in a window `width` pixels wide, as a dict."""
    return ask(page, MEASURE, width, folder)


def ask(page, script, width, folder):
    """What `script` returns of the HTML text `page`, its document, once it is loaded.

    ``all(selector)`` lists elements of it.
    """
    path = folder / "beside.html"
    shown = BESIDE.format(page=html.escape(page), width=width, script=script)
    path.write_text(shown, encoding="utf-8")
    document, _ = open_page(path, folder / "profile")
    found = re.search(r'<pre id="said">(.*?)</pre>', document, re.S)
    return json.loads(html.unescape(found[1]))
