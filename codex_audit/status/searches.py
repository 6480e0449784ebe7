"""What the reproducibility checklist looks for itself, because no probe asks: each gives the places, in path order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.query.modules import Module
from codex_audit.query.tree import Tree
from codex_audit.status.model import Citation

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "WANDB_MODE")
_TOGGLES = frozenset(
    {
        "torch.use_deterministic_algorithms",
        "torch.set_float32_matmul_precision",
        "torch.backends.cudnn.deterministic",
        "torch.backends.cudnn.benchmark",
        "torch.backends.cuda.matmul.allow_tf32",
        "torch.backends.cudnn.allow_tf32",
    }
)
_SETTERS = frozenset({"os.environ.setdefault", "os.putenv"})


def variables(tree: Tree, *wanted: str) -> Iterator[Citation]:
    """Where code, settings and pipelines set these environment variables."""
    for module in tree.code:
        yield from _set_by(module, wanted)
    pattern = "|".join(map(re.escape, wanted))
    for file, item in tree.setting_items("*", rf".*(?:{pattern})\S*"):
        yield Citation(file.path, item.line, item.key)
    for file, facts in tree.ci():
        for step in facts.steps:
            if match := re.search(rf"({pattern})=", step.run):
                yield Citation(file.path, step.line, match[1])


def _set_by(module: Module, wanted: tuple[str, ...]) -> Iterator[Citation]:
    targets = {f"os.environ['{name}']": name for name in wanted}
    for item in module.facts.assignments:
        if item.target in targets:
            yield Citation(module.path, item.line, targets[item.target])
    for call in module.facts.calls:
        first = call.arguments[0].value.strip("'\"") if call.target in _SETTERS and call.arguments else ""
        if first in wanted:
            yield Citation(module.path, call.line, first)


def toggles(tree: Tree) -> Iterator[Citation]:
    """Where code sets how torch computes: deterministic algorithms, cuDNN, TF32."""
    for module in tree.code:
        places = [(item.line, item.target) for item in module.facts.assignments]
        places += [(item.line, item.target) for item in module.facts.calls]
        yield from (Citation(module.path, line, name) for line, name in places if name in _TOGGLES)


def offline(tree: Tree) -> Iterator[Citation]:
    """Where code can be told to stay off the network."""
    yield from variables(tree, *_OFFLINE)
    for module in tree.code:
        for call in module.facts.calls:
            if any(argument.name == "local_files_only" for argument in call.arguments):
                yield Citation(module.path, call.line, "local_files_only")
