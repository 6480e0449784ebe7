"""How a tree chooses among models: tables, registries, conditions, factories of libraries, sizes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from codex_audit.capabilities.modeling_names import (
    LOADERS,
    is_library_model,
    is_loaded_model,
    is_part,
    model_classes,
)
from codex_audit.query.found import Found, any_of
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

_NAME = re.compile(r"[:.\w]+")
_LIBRARY_MODEL = re.compile(
    r"^(?:transformers|torchvision\.models|timm|keras\.applications|diffusers)\..*[A-Za-z]"
)
FACTORIES = (
    "timm.create_model",
    "open_clip.create_model*",
    "clip.load",
    "torchvision.models.get_model",
    "torch.hub.load",
    "segmentation_models_pytorch.create_model",
    "transformers.AutoConfig.for_model",
    "keras_hub.models.*.from_preset",
)
_TABLE_MODULES = tuple(
    (
        "torchvision.models timm.models keras.applications tensorflow.keras.applications "
        "torch_geometric.nn segmentation_models_pytorch"
    ).split()
)
HEADS = (
    "sklearn.*Classifier",
    "sklearn.*Regressor",
    "sklearn.*Regression",
    "sklearn.*Chain",
    "sklearn.svm.*",
)
_IMPORT_PATH = re.compile(r"'([A-Za-z_][\w.]*)[:.](\w+)'")
_MODEL_WORD = re.compile(
    r"(?:^|_)(?:model|net|network|arch|backbone|encoder|estimator|forecaster|policy|agent)s?(?:_|$)"
)
NEAR = 5
_NOT_A_REGISTRY = ("torch.", "jax.", "keras.", "tensorflow.", "atexit.", "abc.", "functools.")


def tables(tree: Tree) -> Found:
    """Dictionaries from names to two or more models, and functions that compare a name and build one of
    several."""
    models = _whole_models(tree)
    makers = models | _makers(tree, models)
    sites = [site for module in tree.modules.every for site in _table_sites(tree, module, makers)]
    sites += _lazy_tables(tree, models)
    return tree.sites(sites, "maps names to models: {}", ("a table from names to models",)) | _chains(
        tree, models, makers
    )


def _whole_models(tree: Tree) -> frozenset[str]:
    return frozenset(name for name in model_classes(tree) if not is_part(name))


def _makers(tree: Tree, models: frozenset[str]) -> frozenset[str]:
    """Functions of the tree that return what a model class or a model loader makes."""
    calling = tree.nodes_calling(*models, *LOADERS)
    return frozenset(
        node_of(module, function.name)
        for module in tree.code
        for function in module.facts.functions
        if "." not in function.name and node_of(module, function.name) in calling
        if re.match(r"(?!main$|train|test|run|eval|fit)", function.name)
    )


def _table_sites(tree: Tree, module: Module, makers: frozenset[str]) -> Iterator[Site]:
    """The entries of dictionaries of one scope that name at least two different models."""
    rows: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for item in module.facts.items:
        rows[item.scope] += [
            (item.key, item.line, name) for name in _models_in(tree, module, item.value, makers)
        ]
    for fact in module.facts.assignments:
        if fact.target.endswith("]"):
            names = _models_in(tree, module, fact.value, makers)
            rows[fact.scope] += [(fact.target, fact.line, name) for name in names]
    for scope, found in rows.items():
        if len({name for _, _, name in found}) > 1 and len({key for key, _, _ in found}) > 1:
            yield from (Site(module, key, line, scope) for key, line, _ in found)


def _models_in(tree: Tree, module: Module, value: str, makers: frozenset[str]) -> list[str]:
    """The models that a written value refers to without building them."""
    if value.endswith("()") or value[:1] in "'\"" or value == "...":
        return []
    absolute = (tree.modules.canonical(name, module) for name in _NAME.findall(value)[:24])
    return [
        name
        for name in absolute
        if name in makers
        or (_LIBRARY_MODEL.match(name) and is_loaded_model(name) and last(name)[:1].isupper())
    ][:1]


def _lazy_tables(tree: Tree, models: frozenset[str]) -> Iterator[Site]:
    """Dictionaries from names to the import paths (``pkg.module:Class``) of several classes of the tree, one of which
    is or loads a model."""
    wrappers = models | {node.rpartition(".")[0] for node in tree.nodes_calling(*LOADERS)}
    for module in tree.code:
        rows: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        for item in module.facts.items:
            path = _IMPORT_PATH.fullmatch(item.value)
            name = f"{path[1]}.{path[2]}" if path is not None else ""
            if name and tree.modules.class_of(name) is not None:
                rows[item.scope].append((item.key, item.line, name))
        for scope, found in rows.items():
            names = {name for _, _, name in found}
            if len(names) > 1 and names & wrappers:
                yield from (Site(module, key, line, scope) for key, line, _ in found)


def _chains(tree: Tree, models: frozenset[str], makers: frozenset[str]) -> Found:
    """A function that compares strings and, right after, builds one of at least two different models or
    heads."""
    built: dict[tuple[str, str], list[Site]] = defaultdict(list)
    for site in tree.call_sites(*makers, *LOADERS, *HEADS):
        if site.scope and is_library_model(tree, site, makers) and _follows_a_name(site):
            built[(site.module.path, site.scope)].append(site)
    sites = [
        site
        for (path, scope), found in built.items()
        if len({site.target for site in found}) > 1
        and node_of(tree.module_at[path], scope.partition(".")[0]) not in models
        for site in found
    ]
    return tree.sites(sites, "builds {} when the name says so", ("conditions on a name that build models",))


def _follows_a_name(site: Site) -> bool:
    """Whether a string is compared in one of the statements above, or in this one."""
    return any(
        text.role == "compare"
        and text.scope == site.scope
        and 0 <= site.module.apart(text.line, site.line) <= NEAR
        for text in site.module.facts.texts
    )


def registries(tree: Tree) -> Found:
    """Two or more models, or settings of models, that a register decorator or call names."""
    homes = {name.rpartition(".")[0] for name in model_classes(tree)}
    makers = _makers(tree, model_classes(tree))
    sites = [
        Site(module, last(marks[0]), line, name)
        for module in tree.code
        for name, line, decorators in _decorated(module)
        if (module.name in homes and name in module.classes) or node_of(module, name) in makers
        if (marks := [mark for mark in decorators if _registers(tree, module, mark)])
    ]
    registered = tree.sites(sites, "registers a model with {}", ("models under a register decorator",))
    several = registered if len(registered.evidence) > 1 else registered.as_near("registers one model only")
    return several | tree.calls("transformers.Auto*Model*.register", why="registers a model with {}")


def _decorated(module: Module) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    yield from ((item.name, item.line, item.decorators) for item in module.facts.classes if item.decorators)
    yield from ((item.name, item.line, item.decorators) for item in module.facts.functions if item.decorators)


def _registers(tree: Tree, module: Module, mark: str) -> bool:
    name = tree.modules.canonical(mark, module)
    return last(name).startswith("register") and not name.startswith(_NOT_A_REGISTRY)


def libraries(tree: Tree) -> Found:
    """A factory of a library, or a module of models, that is given a name which is not fixed in the code."""
    homes = {name.rpartition(".")[0] for name in _whole_models(tree)}
    above = homes | {home.rpartition(".")[0] for home in homes if "." in home}

    def picks(site: Site) -> bool:
        owner = tree.modules.canonical(site.argument("", 0), site.module)
        return _varies(site.argument("", 1)) and (
            owner in above - {""} or (owner.startswith(_TABLE_MODULES) and "()" not in owner)
        )

    return any_of(
        (
            tree.calls(
                *FACTORIES, where=lambda site: _varies(_name_given(site)), why="builds by name with {}"
            ),
            tree.calls("getattr", where=picks, why="picks a model by name with {}"),
            tree.references(*(f"{name}.__dict__" for name in (*_TABLE_MODULES, *sorted(above - {""})))),
            _mapped_settings(tree),
            tree.calls(
                "hydra.utils.instantiate",
                where=lambda site: last(site.argument("config", 0)) in ("model", "network", "net", "module"),
                why="builds the configured model with {}",
            ),
            tree.calls("importlib.import_module", where=_imports_a_model, why="imports a model by name"),
            tree.calls(
                "pydoc.locate",
                "pkgutil.resolve_name",
                "django.utils.module_loading.import_string",
                where=_locates_a_model,
                why="finds a model by name with {}",
            ),
        )
    )


def _mapped_settings(tree: Tree) -> Found:
    """Settings made from a model type, and a model made from them, in one place."""
    building = tree.nodes_calling("transformers.*.from_config")
    return tree.references("transformers.CONFIG_MAPPING", why="chooses from {}").where(
        lambda item: tree.node(item) in building, "looked at, but no model is built from it"
    )


def _varies(value: str) -> bool:
    return value != "" and value[0] not in "'\""


def _name_given(site: Site) -> str:
    position = 1 if site.target == "torch.hub.load" else 0
    return site.argument("model_name", position) or site.argument("model", -1) or site.argument("name", -1)


def _imports_a_model(site: Site) -> bool:
    near = (
        text
        for text in site.module.facts.texts
        if text.scope == site.scope and abs(site.module.apart(site.line, text.line)) <= NEAR
    )
    return _varies(site.argument("name", 0)) and any(re.search(r"\bmodels?\.", text.text) for text in near)


def _locates_a_model(site: Site) -> bool:
    """Whether the function that finds a class by a name which is not fixed says that it is a model."""
    return _varies(site.argument("path", 0)) and _MODEL_WORD.search(last(site.scope)) is not None
