"""Trees that promise everything in words and hold nothing that does it."""

from __future__ import annotations

from codex_audit.capabilities.ask import ask
from codex_audit.capabilities.catalogue import CATALOGUE, probes
from codex_audit.query.tree import Tree
from tests.query.trees import tree_of

BY_ABSENCE = {probe.id for probe in probes() if probe.by_absence}
WORDS = sorted(
    {word for probe in probes() for word in f"{probe.ask} {probe.counts}".replace(",", " ").split()}
)


def yes(tree: Tree) -> set[str]:
    return {
        probe.id
        for capability in CATALOGUE
        for probe in capability.probes
        if ask(tree, probe)[0].verdict == "yes"
    }  # fmt: skip


def test_comments_docstrings_and_file_names_prove_nothing() -> None:
    comment = "# " + " ".join(WORDS)
    docstring = '"""' + " ".join(WORDS).replace('"', "") + '"""'
    names = (
        "tokenizer",
        "trainer",
        "checkpoint_manager",
        "evaluate",
        "wandb_logger",
        "lora",
        "seed_everything",
        "registry",
    )
    sources = {
        f"pkg/{name}.py": f"{docstring}\n{comment}\ndef {name}():\n    {docstring}\n    {comment}\n    return None\n"
        for name in names
    }
    tree = tree_of({"pkg/__init__.py": docstring, **sources})
    assert yes(tree) <= BY_ABSENCE


def test_strings_with_the_right_names_prove_nothing() -> None:
    names = [
        "torch.save",
        "AutoTokenizer.from_pretrained",
        "wandb.init",
        "torch.manual_seed",
        "Trainer().train()",
        "peft.LoraConfig",
    ]
    tree = tree_of(
        {"pkg/__init__.py": "", "pkg/a.py": f"NAMES = {names!r}\ndef show():\n    print(NAMES)\nshow()\n"}
    )
    assert yes(tree) <= BY_ABSENCE


def test_stubs_dead_code_vendored_code_and_unused_imports_prove_nothing() -> None:
    real = (
        "import torch, wandb\nfrom transformers import AutoTokenizer, Trainer\n"
        "def run():\n    torch.manual_seed(1)\n    t = AutoTokenizer.from_pretrained('x')\n    Trainer(t).train()\n"
        "    torch.save(t, 'x')\n    wandb.init(config={})\nrun()\n"
    )
    dead = "if False:\n" + "".join(f"    {line}\n" for line in real.splitlines())
    stub = "class Trainer:\n    def train(self):\n        raise NotImplementedError\n    def save_checkpoint(self): ...\n"
    tree = tree_of(
        {
            "pkg/__init__.py": "",
            "pkg/dead.py": dead,
            "pkg/stub.py": stub,
            "pkg/_vendor/real.py": real,
            "third_party/lib/real.py": real,
            "pkg/imports.py": "import torch, wandb\nfrom transformers import Trainer, AutoTokenizer\n",
        }
    )
    assert yes(tree) <= BY_ABSENCE


def test_placeholder_documents_are_no_documents() -> None:
    files = {name: f"# {name}\n" for name in ("SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md")}
    assert yes(tree_of({"a.py": "print(1)\n", **files})) <= BY_ABSENCE


def test_an_empty_tree_answers_every_probe_with_no_or_not_applicable() -> None:
    assert yes(tree_of({})) == set()


def test_aliases_change_no_verdict() -> None:
    plain = (
        "import torch\nimport wandb\nfrom transformers import AutoTokenizer\n"
        "def main(path):\n    torch.manual_seed(1)\n    tok = AutoTokenizer.from_pretrained(path)\n"
        "    wandb.init(config={'path': path})\n    torch.save(tok, path)\n"
        "if __name__ == '__main__':\n    main('x')\n"
    )
    aliased = (
        "import torch as a\nimport wandb as b\nfrom transformers import AutoTokenizer as C\nd = a.save\n"
        "def main(path):\n    a.manual_seed(1)\n    e = C.from_pretrained(path)\n"
        "    b.init(config={'path': path})\n    d(e, path)\n"
        "if __name__ == '__main__':\n    main('x')\n"
    )
    assert yes(tree_of({"train.py": plain})) == yes(tree_of({"train.py": aliased})) > BY_ABSENCE
