"""Markdown and reST: headings, code, links and words, at their lines."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.facts.markdown import read_markdown
from codex_audit.facts.model import DocFacts
from codex_audit.facts.rest import read_rest


def markdown(text: str) -> DocFacts:
    return read_markdown(text.encode(), "README.md")


def rest(text: str) -> DocFacts:
    return read_rest(text.encode(), "README.rst")


MARKDOWN = """---
title: front matter
---
# Title with `code`

Some *prose* here, see
[the docs](docs/a.md) and `run_me`.

<!-- ## hidden heading
TODO secret_word -->

Setext
------

```python
# not a heading
import torch
```

```{code-block} Bash
pip install .
```

    indented()

<h2 align="center">Html</h2>
"""


def test_markdown_facts_stand_at_their_lines() -> None:
    facts = markdown(MARKDOWN)
    assert [tuple(item) for item in facts.headings] == [
        (1, "Title with `code`", 4),
        (2, "Setext", 12),
        (2, "Html", 26),
    ]
    assert [(item.language, item.line) for item in facts.fences] == [("python", 15), ("bash", 20), ("", 24)]
    assert [tuple(item) for item in facts.links] == [("docs/a.md", "the docs", 7)]
    assert [(item.name, item.line) for item in facts.spans] == [("code", 4), ("run_me", 7)]


def test_words_come_from_prose_and_code_and_not_from_comments() -> None:
    facts = markdown(MARKDOWN)
    assert {"torch", "prose", "run_me"} <= facts.words
    assert "secret_word" not in facts.words


def test_headings_and_code_are_no_prose() -> None:
    assert markdown("# A title of many words\n\n```\nlots of code\n```\n<!-- and a comment -->\n").prose == 0
    assert markdown("one two three\n").prose == 3


REST = """=====
Title
=====

Some prose with ``inline_code``, and a `link <https://example.org>`_.

Part
----

.. code-block:: python
   :linenos:

   import torch

Install::

    pip install .

.. a comment

Sub
~~~
"""


def test_rest_facts_stand_at_their_lines() -> None:
    facts = rest(REST)
    assert [tuple(item) for item in facts.headings] == [(1, "Title", 2), (2, "Part", 7), (3, "Sub", 21)]
    assert [(item.language, item.text.strip(), item.line) for item in facts.fences] == [
        ("python", "import torch", 13),
        ("", "pip install .", 17),
    ]
    assert [tuple(item) for item in facts.links] == [("https://example.org", "link", 5)]
    assert [(item.name, item.line) for item in facts.spans] == [("inline_code", 5)]


def test_code_in_rest_keeps_its_indentation() -> None:
    facts = rest("Example::\n\n    def f():\n        return 1\n\n    f()\n\nEnd\n")
    assert facts.fences[0].text == "def f():\n    return 1\n\nf()\n"


def test_rest_directives_that_read_files_read_nothing() -> None:
    facts = rest(".. include:: /etc/passwd\n.. raw:: html\n   :file: /etc/passwd\n\nText\n")
    assert "root" not in facts.words


def test_old_encodings_and_line_ends_are_read() -> None:
    facts = read_markdown("# Café\r\n\r\ntext\r\n## Next\r\n".encode("latin-1"), "x")
    assert [(item.text, item.line) for item in facts.headings] == [("Café", 1), ("Next", 4)]
    facts = read_rest("Café\r\n====\r\n\r\nNext\r\n====\r\n".encode("latin-1"), "x")
    assert [(item.text, item.line) for item in facts.headings] == [("Café", 1), ("Next", 4)]


@pytest.mark.parametrize(
    "text",
    [
        "<!--" * 50_000,
        "<!-- a" * 50_000 + " >",
        "<a href=" * 40_000,
        "<h1>" * 50_000,
        "`" * 100_000,
        "> " * 20_000,
    ],
)
def test_markdown_that_never_closes_takes_no_quadratic_time(text: str) -> None:
    begun = time.process_time()
    markdown(text)
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "text",
    [
        "::\n\n" * 100_000,
        ".. code::\n" * 50_000,
        ":a: ::\n" * 50_000,
        "`a <" * 30_000,
        "``" * 50_001,
        " " * 500_000,
    ],
)
def test_rest_that_never_closes_takes_no_quadratic_time(text: str) -> None:
    begun = time.process_time()
    rest(text)
    assert time.process_time() - begun < 10


@given(st.text(st.sampled_from("#`*_[]()<>!-=: \n|\t.a\\&~+1"), max_size=200))
@settings(max_examples=300)
def test_any_text_is_a_document_whose_facts_lie_within_it(text: str) -> None:
    lines = text.count("\n") + 1
    for facts in (markdown(text), rest(text)):
        found = [item.line for item in facts.headings] + [item.line for item in facts.fences]
        found += [item.line for item in facts.links] + [item.line for item in facts.spans]
        assert all(1 <= line <= lines for line in found)
