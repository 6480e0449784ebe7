from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codex_audit.gates.anchors import anchors, slug
from tests.gates.places import git, hook, repository

README = '# Top\n\n## Same\n\n## Same\n\n<a id="here"></a>\n'


def said(tmp_path: Path, text: str, **more: str | bytes) -> list[str]:
    tree = repository(tmp_path, {"doc/a.md": text, "README.md": README, "src/x.py": "1\n2\n", **more})
    code, lines = hook(tree, "links")
    assert code == (1 if lines else 0)
    return lines


@pytest.mark.parametrize(
    "link",
    [
        "../README.md",
        "/README.md",
        "../README.md#same",
        "../README.md#same-1",
        "../README.md#here",
        "../src/x.py#L1-L2",
        "../src",
        "../src/",
        "..",
        "#mine",
        "#top",
        "",
        "a%2Emd",
        "a.md?plain=1#L1",
        "https://example.org/none#x",
        "//example.org/none",
        "mailto:none@example.org",
    ],
)
def test_a_link_that_leads_somewhere_is_fine(tmp_path: Path, link: str) -> None:
    assert said(tmp_path, f"# Mine\n\n[a](<{link}>) ![b](../README.md)\n") == []


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("none.md", "doc/none.md does not exist"),
        ("../README.md#same-2", "README.md has no heading or id 'same-2'; did you mean 'same"),
        ("../README.md#Same", "README.md has no heading or id 'Same'; did you mean 'same"),
        ("#none", "doc/a.md has no heading or id 'none'"),
        ("../src/x.py#L3", "src/x.py has 2 lines"),
        ("../../else.md", "it leaves the repository"),
        ("/../else.md", "it leaves the repository"),
        ("%00", "leaves the repository"),
        ("%2e%2e/%2e%2e/x", "it leaves the repository"),
    ],
)
def test_a_dead_link_is_named_with_its_line(tmp_path: Path, link: str, reason: str) -> None:
    [line] = said(tmp_path, f"# Mine\n\nfirst\nsecond [a]({link})\n")
    assert line.startswith("doc/a.md:4: link ")
    assert reason in line


def test_images_definitions_and_html_are_looked_at(tmp_path: Path) -> None:
    text = '![a](a.png)\n\n[b][ref]\n\n<img src="c.png">\n\nx <a href="d.md">d</a>\n\n[![e](e.png)](f.md)\n\n[ref]: b.md\n'
    lines = said(tmp_path, text)
    assert [line.split(":")[1:3] for line in lines] == [
        ["1", " image a.png"],
        ["3", " link b.md"],
        ["5", " image c.png"],
        ["7", " link d.md"],
        ["9", " link f.md"],
        ["9", " image e.png"],
    ]


def test_code_and_comments_hold_no_links(tmp_path: Path) -> None:
    assert (
        said(tmp_path, "`[a](none)`\n\n```md\n[a](none)\n```\n\n<!-- <a href='none'> [a](none) -->\n") == []
    )


def test_a_file_that_git_does_not_track_is_dead_for_others(tmp_path: Path) -> None:
    tree = repository(tmp_path, {"a.md": "[b](b.md)\n"})
    (tree / "b.md").write_text("here")
    assert hook(tree, "links") == (1, ["a.md:1: link b.md: b.md is not in git; add it"])
    git(tree, "add", "b.md")
    assert hook(tree, "links") == (0, [])


def test_names_that_are_percent_encoded_are_found(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            "[a](<größe 1.md>) [b](gr%C3%B6%C3%9Fe%201.md#%C3%BCber)\n",
            **{"doc/größe 1.md": "# Über"},
        )
        == []
    )


def test_a_symlink_out_of_the_repository_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside.md").write_text("# Secret\n")
    tree = repository(
        tmp_path / "tree", {"a.md": "[x](out.md#secret) [y](in.md#top-1)\n", "b.md": "# Top\n\n# Top\n"}
    )
    (tree / "out.md").symlink_to("../outside.md")
    (tree / "in.md").symlink_to("b.md")
    git(tree, "add", "--all")
    assert hook(tree, "links", "a.md") == (
        1,
        ["a.md:1: link out.md#secret: out.md is a symlink that leads nowhere in the repository"],
    )


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Hello, World!", "hello-world"),
        ("`code` & more", "code--more"),
        ("snake_case-and 1.2", "snake_case-and-12"),
        ("Über uns 日本語", "über-uns-日本語"),
        ("[link](x.md) *soft*", "link-soft"),
        ("Fish &amp; chips", "fish--chips"),
    ],
)
def test_headings_have_the_names_that_github_gives_them(heading: str, name: str) -> None:
    assert anchors(f"# {heading}\n") == {name}


def test_slugs_of_equal_headings_are_numbered_in_order() -> None:
    assert anchors("# A\n\nA\n===\n\n<h2>A</h2>\n\n- # A\n") == {"a", "a-1", "a-2", "a-3"}
    assert slug("") == ""


def test_front_matter_is_no_heading() -> None:
    assert anchors("---\ntitle: x\n---\n\n# A\n") == {"a"}


def test_no_link_is_asked_of_the_network(tmp_path: Path) -> None:
    tree = repository(tmp_path, {"a.md": "[a](https://example.org/x) ![b](http://example.org/y.png)\n"})
    code = (
        "import sys\n"
        "def refuse(event, _):\n"
        "    if event.startswith('socket.'): raise SystemExit(f'asked: {event}')\n"
        "sys.addaudithook(refuse)\n"
        "from codex_audit.main import main\n"
        "sys.exit(main(['hook', 'links', 'a.md']))\n"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], cwd=tree, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
