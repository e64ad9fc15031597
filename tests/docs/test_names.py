"""What the pages of docs/ name exists: commands, options, targets of make, calls, tests, modules; and every block is one that runs or is excused."""

import re
from importlib.util import find_spec
from pathlib import Path

import doc_names
import pytest
from doc_pages import DOCS, PAGES, RUN, blocks

ROOT = DOCS.parent
TEXTS = {page: (DOCS / page).read_text() for page in PAGES}
COVERAGE = TEXTS["coverage.md"]
FILES = ("python", "toml", "csv")
EXCUSED = {  # languages of blocks that do not run
    "text": "what the block before prints, and compared with it",
    "shell": "installs from a package index, starts containers, or is one of make's targets",
    "cron": "lines for cron", "ini": "lines of .env and of systemd units",
    "sql": "queries for QuestDB, which examples/ has and tests/journal runs",
    "diagram": "drawn by hand",
}


COMMANDS = dict(doc_names.commands())


def options(command):
    return {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"--help"}


def lines():
    """(page, line) of everything that names the command: lines of blocks, and code in sentences."""
    for page, text in TEXTS.items():
        joined = text.replace("\\\n", " ")
        fenced = "\n".join(match for match in re.findall(r"^```(?:bash|shell|cron)\n(.*?)^```", joined, re.MULTILINE | re.DOTALL))
        for line in (*fenced.splitlines(), *re.findall(r"`([^`\n]+)`", joined)):
            for found in re.finditer(r"(?:^|[ /])(cerebrolab(?: (?!cerebrolab)[a-z-].*)?)$", line):
                yield page, found[1]


def test_every_command_and_option_that_is_named_exists():
    wrong, seen = set(), 0
    for page, line in lines():
        words = line.split()
        path = next((" ".join(words[:count]) for count in (3, 2, 1) if " ".join(words[:count]) in COMMANDS), "")
        command = COMMANDS[path]
        if hasattr(command, "list_commands") and len(words) > path.count(" ") + 1 and words[path.count(" ") + 1][0].islower():
            wrong.add((page, line))
        seen += 1
        wrong |= {(page, word) for word in re.findall(r"(?<=\s)--?[a-z][\w-]*", line) if word not in options(command)}
    assert wrong == set() and seen > 100


def test_options_that_stand_alone_exist():
    known = set().union(*map(options, COMMANDS.values()))
    named = {(page, word) for page, text in TEXTS.items() for word in re.findall(r"`(--?[a-z][\w-]*)", text)}
    assert {(page, word) for page, word in named if word not in known} == set() and len(named) > 30


def test_every_command_is_in_the_documentation():
    text = "\n".join(TEXTS.values())
    assert [path for path, command in COMMANDS.items() if not hasattr(command, "list_commands") and path not in text] == []


def test_targets_of_make_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for text in TEXTS.values() for word in re.findall(r"(?:`|\n)make ([a-z-]+)", text)}
    assert named <= targets and "demo" in named


def test_calls_of_the_rest_api_exist():
    known = {(method, re.sub(r"{\w+}", "{}", path)) for path, method in doc_names.calls()}
    named = {(method, re.sub(r"{\w+}|\b[A-Z]+\b", "{}", path)) for text in TEXTS.values() for method, path in re.findall(r"`(GET|POST|PUT|DELETE) (/[\w/{}]+)`", text)}
    assert named and named - known == set()


def test_every_row_of_the_coverage_has_a_command_and_a_test_that_exist():
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in COVERAGE.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    assert len(rows) >= 70
    for what, shown, tests in rows:
        assert what and re.search(r"`[^`]+`|\]\(", shown), what
        named = re.findall(r"`([\w/]+\.py)`", tests)
        assert named and [name for name in named if not (ROOT / "tests" / name).is_file()] == [], (what, tests)


def test_files_and_modules_that_are_named_exist():
    places = {each for text in TEXTS.values() for each in re.findall(r"`((?:examples|tests|benchmarks)/[\w./]*)`", text)}
    assert places and {each for each in places if not (ROOT / each).exists()} == set()
    modules = {each for text in TEXTS.values()
               for each in re.findall(r"(?:^::: |`)((?:[a-z_]+\.)+[a-z_]+)(?=`|\n)", text, re.MULTILINE)}
    ours = {each for each in modules if (ROOT / each.split(".")[0] / "__init__.py").exists()}
    assert len(ours) > 20 and {each for each in ours if not _there(each)} == set()


def _there(name: str) -> bool:
    """Whether it is a module, or stands in one."""
    path = Path(ROOT, *name.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    home, _, last = name.rpartition(".")
    return find_spec(home) is not None and re.search(rf"\b{last}\b", Path(find_spec(home).origin).read_text()) is not None


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs_or_is_excused(page):
    found = blocks(page)
    assert len(found) * 2 == len(re.findall(r"^ *```", TEXTS[page], re.MULTILINE)), "a fence that is not understood"
    for block in found:
        assert block.language in RUN or (block.title and block.language in FILES) or block.language in EXCUSED, f"line {block.line}: {block.language}"
        assert block.title or block.language not in FILES[1:], f"line {block.line}: a file without a name"
        assert block.language in (*RUN, "cron") or not re.search(r"^(\$ )?cerebrolab [a-z]", block.text, re.MULTILINE), f"line {block.line}: a command that does not run"
