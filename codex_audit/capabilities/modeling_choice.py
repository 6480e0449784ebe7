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
from codex_audit.query.options import normalised
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

_LISTED = re.compile(r"Literal\[[^\]]*,|^click\.Choice\(\)$")
_NAME = re.compile(r"[:.\w]+")
_LIBRARY_MODEL = re.compile(
    r"^(?:transformers|torchvision\.models|timm|keras\.applications|diffusers)\..*[A-Za-z]"
)
SIZES = tuple(
    (
        "n_layer n_layers num_layers num_hidden_layers n_embd n_embed embed_dim hidden_size hidden_dim "
        "d_model dim depth n_head n_heads num_heads num_attention_heads width num_blocks encoder_layers "
        "intermediate_size"
    ).split()
)
CHOICES = tuple(
    (
        "model arch architecture model_type model_name model_arch net network backbone encoder "
        "encoder_type variant model_size size model_class net_type head head_type policy agent "
        "model_variant"
    ).split()
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
NEAR = 8
_NOT_A_REGISTRY = ("torch.", "jax.", "keras.", "tensorflow.", "atexit.", "abc.", "functools.")


def tables(tree: Tree) -> Found:
    """Dictionaries from names to two or more models, and functions that compare a name and build one of
    several."""
    models = _whole_models(tree)
    makers = models | _makers(tree, models)
    sites = [site for module in tree.modules.every for site in _table_sites(tree, module, makers)]
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
    """Whether a string is compared on one of the lines above."""
    return any(
        text.role == "compare" and text.scope == site.scope and 0 <= site.line - text.line <= NEAR
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
        if text.scope == site.scope and abs(text.line - site.line) < 6
    )
    return _varies(site.argument("name", 0)) and any(re.search(r"\bmodels?\.", text.text) for text in near)


def choices(tree: Tree) -> Found:
    """Options that list the models to choose from."""
    flags = tree.calls(
        "*.add_argument",
        where=lambda site: site.has("choices") and normalised(site.argument("", 0).strip("'\"")) in CHOICES,
        why="lets the user choose the model",
    )
    literals = tree.options(
        *CHOICES,
        where=lambda option: _LISTED.search(option.annotation) is not None,
    )
    return flags | literals


def size_tables(tree: Tree) -> Found:
    """Two or more named sets of sizes in one scope: the keys that say how large a model is."""
    sites = []
    for module in tree.code:
        rows: dict[tuple[str, str], set[int]] = defaultdict(set)
        for scope, key, line in _sizes(module):
            rows[(scope, key)].add(line)
        sites += [
            Site(module, key, min(lines), scope) for (scope, key), lines in rows.items() if len(lines) > 1
        ]
    return tree.sites(sites, "a table of model sizes, by {}", ("a table of sizes",), strength="declared")


def _sizes(module: Module) -> Iterator[tuple[str, str, int]]:
    """Scope, key and line of each size: in a dictionary, or given to a call that is the value of a key."""
    for item in module.facts.items:
        if item.key in SIZES and item.value.isdigit():
            yield item.scope, item.key, item.line
    named = {(item.line, item.value) for item in module.facts.items if item.value.endswith("()")}
    for call in module.facts.calls:
        if (call.line, f"{call.target}()") in named and call.target != "dict":
            for argument in call.arguments:
                if argument.name in SIZES and argument.value.isdigit():
                    yield call.scope, argument.name, call.line
