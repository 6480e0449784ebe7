"""Messages through a logging framework."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.query.found import Found
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

LEVELS = ("debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "success")
LOGGERS = (
    "logging.getLogger()",
    "logging.Logger()",
    "logging.LoggerAdapter()",
    "logging",
    "logging.root",
    "loguru.logger",
    "structlog.get_logger()",
    "structlog.getLogger()",
    "structlog.stdlib.get_logger()",
    "absl.logging",
    "transformers.logging.get_logger()",
    "transformers.utils.logging.get_logger()",
    "transformers.utils.logging",
    "accelerate.logging.get_logger()",
    "datasets.logging.get_logger()",
    "datasets.utils.logging.get_logger()",
    "diffusers.utils.logging.get_logger()",
    "tensorflow.get_logger()",
    "tensorflow.logging",
    "torch._logging.getArtifactLogger()",
    "torch.distributed.elastic.utils.logging.get_logger()",
    "mmengine.logging.MMLogger.get_instance()",
    "mmengine.logging.print_log",
    "multiprocessing.get_logger()",
    "multiprocessing.log_to_stderr()",
    "ignite.utils.setup_logger()",
    "fvcore.common.logger.setup_logger()",
    "lightning_utilities.core.rank_zero",
    "lightning.pytorch.utilities.rank_zero",
    "pytorch_lightning.utilities.rank_zero",
    "paddlenlp.utils.log.logger",
    "oslo_log.log.getLogger()",
)


def logging(tree: Tree) -> Found:
    direct = tuple(f"{maker}.{level}" for maker in LOGGERS for level in LEVELS)
    ranked = tuple(f"*.rank_zero_{level}" for level in ("info", "warn", "debug", "deprecation"))
    return (
        tree.calls(*direct, where=_is_message, why="logs with {}")
        | tree.sites(_own_logger_calls(tree), "logs with {}", ("own loggers",), "called")
        | tree.calls(
            *ranked, where=lambda site: "rank_zero" in site.target and _is_message(site), why="logs with {}"
        )
    )


def _is_message(site: Site) -> bool:
    return bool(site.arguments)


def _own_logger_calls(tree: Tree) -> Iterator[Site]:
    """Messages through a logger that the tree made elsewhere: a variable of a module, or a function or property."""
    makers = tuple(maker.removesuffix("()") for maker in LOGGERS if maker.endswith("()"))
    helpers = tree.nodes_calling(*makers)
    variables = _logger_variables(tree)
    for site in tree.call_sites(*(f"*.{level}" for level in LEVELS)):
        receiver = site.target.rpartition(".")[0]
        if _is_message(site) and (receiver in variables or _gives_logger(tree, receiver, helpers)):
            yield site


def _gives_logger(tree: Tree, receiver: str, helpers: frozenset[str]) -> bool:
    """Whether a function, method or property of the tree makes a logger or says that it returns one."""
    name = receiver.removesuffix("()")
    owner, made, attribute = name.partition("().")
    method = tree.modules.method(owner, attribute) if made else name
    if not method:
        return False
    module, inner = tree.modules.split(method)
    function = module.functions.get(inner) if module is not None else None
    if module is None or function is None:
        return False
    return method in helpers or tree.modules.canonical(function.returns, module) in (
        "logging.Logger",
        "logging.LoggerAdapter",
    )


def _logger_variables(tree: Tree) -> frozenset[str]:
    """Absolute names of module-level variables that hold a logger."""
    found = set()
    for module in tree.code:
        for item in module.facts.assignments:
            value = tree.modules.canonical(item.value, module)
            if not item.scope and value in LOGGERS:
                found.add(f"{module.name}.{item.target}")
    return frozenset(found)
