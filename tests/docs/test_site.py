"""The site as it is built: without a warning, complete, and fetching nothing from elsewhere."""

import html
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import doc_names
import pytest
from doc_pages import DOCS

from core.settings import variable_names

LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"([^\"]*)\"|<link\b[^>]*\bhref=\"([^\"]*)\"|url\(([^)]*)\)|@import\s+[\"']([^\"']*)")
PACKAGES = ("analyzers", "brokers", "checks", "engine", "feeds", "indicators", "journal", "optimize", "reports", "sizers", "strategies", "taxes")

pytestmark = pytest.mark.slow


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    built = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)], cwd=DOCS.parent, text=True,
                           env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "ignore"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert built.returncode == 0, built.stdout
    return site


def loaded(path: Path) -> set[str]:
    """What a page or a style sheet makes a browser fetch."""
    return {next(filter(None, found.groups()), "").strip("'\"") for found in LOADED.finditer(path.read_text(errors="replace"))}


def test_every_page_is_built_and_has_a_heading(site):
    pages = {str(path.relative_to(DOCS).with_suffix(".html")) for path in DOCS.rglob("*.md")}
    built = {str(path.relative_to(site)) for path in site.rglob("*.html")}
    assert built - pages == {"404.html"} and pages <= built
    assert [page for page in pages if "<h1" not in (site / page).read_text()] == []


def test_nothing_is_fetched_from_elsewhere(site):
    paths = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert len(paths) > 30
    foreign = {(str(path.relative_to(site)), each) for path in paths for each in loaded(path) if re.match(r"(https?:)?//", each)}
    assert foreign == set()


def test_links_between_pages_lead_somewhere(site):
    broken = set()
    for path in site.rglob("*.html"):
        text = path.read_text()
        for target, anchor in re.findall(r"<a\b[^>]*\bhref=\"([^\"#:]*)(?:#([^\"]*))?\"", text):
            leads = (path.parent / target).resolve() if target else path
            if path.name != "404.html" and (not leads.exists() or (anchor and leads.suffix == ".html" and f'id="{anchor}"' not in leads.read_text())):
                broken.add((str(path.relative_to(site)), target, anchor))
    assert broken == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_class_and_function_is_in_the_reference(site, package):
    anchors = set(re.findall(r"id=\"([\w.]+)\"", (site / "reference" / f"{package}.html").read_text()))
    module = importlib.import_module(package)
    names = [name for name in module.__all__ if callable(getattr(module, name)) or isinstance(getattr(module, name), type)]
    assert names and [name for name in names if not any(each.startswith(f"{package}.") and each.endswith(f".{name}") for each in anchors)] == []


def test_every_command_call_and_setting_has_its_row(site):
    pages = {name: html.unescape((site / "reference" / f"{name}.html").read_text()) for name in ("commands", "rest", "settings")}
    commands = [path for path, _ in doc_names.commands()]
    assert [path for path in commands if f"<code>{path}</code></h2>" not in re.sub(r"<a class=\"headerlink.*?</a>", "", pages["commands"])] == []
    assert [path for path, _ in doc_names.calls() if f" {path}</code>" not in pages["rest"]] == []
    assert [name for name in variable_names() if f"<code>{name}</code>" not in pages["settings"]] == []
