"""The site is built without a warning, holds what is made of the code, and asks nobody on the Internet for anything."""

import logging
import re
import warnings
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import PluginError
from tests.docs.pages import ROOT
from website.hooks import on_page_markdown

from reactor_protocol.lifecycles import RuntimeState, SessionState

# A page asks for what stands in these; a link that a person may follow is none of them.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|video|audio|source|embed)\b[^>]*?\b(?:src|srcset|poster)=["']?(?:https?:)?//[^\s>]*"""
    r"""|<link\b[^>]*\bhref=["']?(?:https?:)?//[^\s>]*""",
    re.IGNORECASE,
)
FETCHED_BY_STYLE = re.compile(r"""@import\b|url\(\s*["']?(?:https?:)?//""", re.IGNORECASE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries of the builder say of each other; mkdocs' own warnings are errors
        patch.chdir(ROOT)
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        logging.getLogger("mkdocs").setLevel(logging.INFO)
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True))
    return folder


@pytest.mark.timeout(240)
def test_the_pages_hold_what_is_made_of_the_code(site: Path) -> None:
    concepts = (site / "concepts.html").read_text()
    assert concepts.count('<svg class="lifecycle"') == 4
    assert all(f">{state.value}</text>" in concepts for state in (*RuntimeState, *SessionState))
    assert "commandResult" in (site / "reference/wire.html").read_text()
    assert "POST /sessions" in (site / "reference/rest-coordinator.html").read_text()
    assert "POST /start_session" in (site / "reference/rest-runtime.html").read_text()
    assert "session_seconds" in (site / "reference/configuration.html").read_text()
    client = (site / "reference/client.html").read_text()
    assert 'id="reactor_sdk.reactor.Reactor.send_command"' in client
    assert ":class:" not in client
    assert not [page for page in site.rglob("*.html") if "--8&lt;--" in page.read_text() or "<!-- made:" in page.read_text()]


@pytest.mark.timeout(240)
def test_nothing_on_the_site_comes_from_elsewhere(site: Path) -> None:
    pages, styles = list(site.rglob("*.html")), list(site.rglob("*.css"))
    assert len(pages) >= 25
    assert len(styles) >= 3
    assert [(page.name, found) for page in pages for found in FETCHED.findall(page.read_text())] == []
    assert [style.name for style in styles if FETCHED_BY_STYLE.search(style.read_text())] == []
    assert not list(site.rglob("*.woff*"))


def test_what_comes_from_elsewhere_would_be_found() -> None:
    assert FETCHED.search('<link rel="stylesheet" href="https://fonts.googleapis.com/css?family=Roboto">')
    assert FETCHED.search('<script async src="//unpkg.com/mermaid"></script>')
    assert FETCHED_BY_STYLE.search('@font-face{src:url("https://example.com/a.woff2")}')
    assert not FETCHED.search('<a href="https://example.com/">there</a><script src="assets/bundle.js"></script>')


def test_a_mark_that_nobody_makes_ends_the_build() -> None:
    class File:
        src_path = "page.md"

    class Page:
        file = File()

    with pytest.raises(PluginError, match=r"page.md: nobody makes 'lifecycle of frogs'"):
        on_page_markdown("text\n<!-- made: lifecycle of frogs -->\n", Page())
