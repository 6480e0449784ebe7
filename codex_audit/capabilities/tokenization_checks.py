"""The checks behind the tokenization probes."""

from __future__ import annotations

import re

from codex_audit.artifacts import Evidence
from codex_audit.facts.model import Class, Function
from codex_audit.query.found import Found
from codex_audit.query.graph import definition_of, node_of
from codex_audit.query.modules import Module
from codex_audit.query.options import Option
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site, gives
from codex_audit.query.tree import Tree

LOADERS = (
    "transformers.AutoProcessor.from_pretrained",
    "transformers.*Tokenizer.from_pretrained",
    "transformers.*TokenizerFast.from_pretrained",
    "transformers.*Tokenizer",
    "transformers.*TokenizerFast",
    "transformers.CLIPProcessor.from_pretrained",
    "transformers.WhisperProcessor.from_pretrained",
    "tokenizers.Tokenizer",
    "tokenizers.Tokenizer.from_*",
    "tokenizers.*Tokenizer",
    "tokenizers.*Tokenizer.from_file",
    "sentencepiece.SentencePieceProcessor",
    "tiktoken.get_encoding",
    "tiktoken.encoding_for_model",
    "tiktoken.Encoding",
    "youtokentome.BPE",
    "subword_nmt.apply_bpe.BPE",
    "bpemb.BPEmb",
    "tensorflow_text.*Tokenizer",
    "keras_hub.tokenizers.*",
    "keras_hub.*Tokenizer.from_preset",
    "keras_nlp.tokenizers.*",
    "keras_nlp.*Tokenizer.from_preset",
    "torchtext.transforms.*Tokenizer",
    "torchtune.modules.tokenizers.*",
    "mistral_common.*Tokenizer.*",
    "open_clip.get_tokenizer",
    "open_clip.tokenize",
    "clip.tokenize",
    "seqio.SentencePieceVocabulary",
    "unsloth.*.from_pretrained",
    "mlx_lm.load",
    "mlx_lm.utils.load",
)
TRAINERS = (
    "tokenizers.trainers.*Trainer",
    "tokenizers.Tokenizer().train*",
    "tokenizers.*Tokenizer().train*",
    "*.train_new_from_iterator",
    "*.train_from_iterator",
    "sentencepiece.SentencePieceTrainer.*rain*",
    "sentencepiece.SentencePieceTrainer().*rain*",
    "youtokentome.BPE.train",
    "subword_nmt.learn_bpe.learn_bpe",
    "tensorflow_text.tools.wordpiece_vocab.*",
    "keras_hub.tokenizers.compute_*",
    "keras_nlp.tokenizers.compute_*",
)
BASES = (
    "transformers.PreTrainedTokenizer*",
    "transformers.*Tokenizer",
    "transformers.*TokenizerFast",
    "tokenizers.*BaseTokenizer",
    "keras_hub.tokenizers.*",
)
LENGTHS = tuple(
    (
        "max_seq_length max_seq_len block_size context_length context_len seq_len seq_length sequence_length "
        "max_source_length max_target_length max_prompt_length max_input_length model_max_length max_sequence_length "
        "max_context_length text_length max_token_length max_text_length ctx_len *truncat*_length"
    ).split()
)
# Vocabularies of words or characters: no subword tokenizer, but what they encode has a length all the same.
ENCODERS = (
    "keras.*.text.Tokenizer",
    "tensorflow.keras.*.text.Tokenizer",
    "keras_preprocessing.text.Tokenizer",
    "keras.layers.TextVectorization",
    "tensorflow.keras.layers.*TextVectorization",
    "torchtext.vocab.*",
    "torchtext.data.*Field",
)
PADDERS = ("*.pad_sequences",)
_NOT_SUBWORD = re.compile(
    r"\.(?:Whitespace|Regex|UnicodeChar\w*|UnicodeCodepoint|UnicodeScript|Byte)Tokenizer\b"
)
_PREPARES = re.compile(r"token|data|encod|chunk|pack|prepare|preprocess|collat", re.IGNORECASE)
_ENCODING = re.compile(r"encod|token|__call__")
_TOKENIZES = re.compile(r"(?:^|_)(?:tokeni[sz]er?|encode(?:_plus|_batch)?)(?:$|_)|Tokenizer\(\)$")
_VOCABULARY = re.compile(r"(?:Tokeni[sz]er|Vocab(?:ulary)?|Alphabet|Lexicon)$")
_CUTS = re.compile(
    r"_*(?:sample|get_batch|next_batch|chunk|window|block|segment|crop|pack|split)(?:s|ed)?(?:_\w+)?"
)
_CUT_LENGTHS = (
    "length",
    "chunk_size",
    "max_len",
    "n_ctx",
    "ctx",
    "window",
    "window_size",
    "num_tokens",
    "n_tokens",
)
_ITEM = re.compile(r"\btransformers\.[\w.]*Tokenizer(?:Fast)?\b(?!\()")
_MERGING = re.compile(r"_*(?:bpe|get_pairs|merge_pair\w*|word_?piece\w*)")
# Statistics, merges and Viterbi paths are no property of text: the class or its file must say that it tokenizes.
_MAY_MERGE = re.compile(r"_*(?:(?:get|compute|count)_(?:pairs|stats)|merges?|viterbi\w*)")
_OF_TOKENS = re.compile(r"token|bpe|byte_?pair|vocab|sub_?word|piece|unigram", re.IGNORECASE)
_LEARNING = re.compile(
    r"_*(?:train|learn|fit|build)(?:_(?:bpe|merges|vocab\w*|tokenizer|word_?piece|unigram|from_\w+))?"
)
_LEARNING_BPE = re.compile(
    r"_*(?:train|learn|fit|build)_(?:bpe|merges|word_?piece|unigram|byte_pair\w*)(?:_\w+)?"
)
DEPTH = 6
_ENCODES = ("encode", "tokenize", "__call__", "encode_ordinary", "_tokenize")


def load(tree: Tree) -> Found:
    return (
        tree.calls(*LOADERS, where=lambda site: _builds(tree, site), why="loads a tokenizer with {}")
        | tree.subclasses(*BASES, where=_works, why="a tokenizer derived from {}")
        | tree.items("*", where=lambda module, scope, value: _ITEM.search(value) is not None,
                     why="names the tokenizer of {!r} in a table")
        | _own_subword(tree)
    )  # fmt: skip


def _builds(tree: Tree, site: Site) -> bool:
    """Not a call of a tokenizer that was passed in, nor of the tree's own code."""
    if "()" in site.target or _NOT_SUBWORD.search(site.target):
        return False
    return tree.modules.split(site.target)[0] is None


def _works(module: Module, cls: Class) -> bool:
    """A class that does more than to name its base."""
    return any(name.startswith(f"{cls.name}.") and not item.stub for name, item in module.functions.items())


def _own_subword(tree: Tree) -> Found:
    """An own byte-pair, unigram or WordPiece implementation: a class that encodes and merges."""
    return tree.classes(
        lambda module, cls: _encodes(module, cls) and _merges(tree, module, cls),
        why="implements a subword tokenizer in {}",
        looked_for="a class that encodes and merges",
    )


def _encodes(module: Module, cls: Class) -> bool:
    methods = (module.functions.get(f"{cls.name}.{name}") for name in _ENCODES)
    return any(method is not None and not method.stub for method in methods)


def _merges(tree: Tree, module: Module, cls: Class) -> bool:
    """Whether its methods are, or call, steps of a subword algorithm that the tree defines."""
    of_tokens = _OF_TOKENS.search(f"{module.path.rpartition('/')[2]} {cls.name}") is not None

    def is_step(name: str) -> bool:
        return bool(_MERGING.fullmatch(name) or (of_tokens and _MAY_MERGE.fullmatch(name)))

    methods = [name for name in module.functions if name.startswith(f"{cls.name}.")]
    called = (call.target for name in methods for call in tree.index.calls_in(module, name))
    return any(is_step(last(name)) for name in methods) or any(
        is_step(last(name)) and tree.modules.split(tree.modules.canonical(name, module))[0] is not None
        for name in called
    )


def train(tree: Tree) -> Found:
    return tree.calls(*TRAINERS, why="trains a vocabulary with {}") | tree.functions(
        lambda module, function: _learns(tree, module, function),
        why="learns a vocabulary in {}",
        looked_for="an own routine that learns merges",
    )


def _learns(tree: Tree, module: Module, function: Function) -> bool:
    """A named routine, or the training method of a class that merges."""
    if function.stub:
        return False
    owner, _, name = function.name.rpartition(".")
    if owner in module.classes:
        cls = module.classes[owner]
        return _LEARNING.fullmatch(name) is not None and _encodes(module, cls) and _merges(tree, module, cls)
    return not owner and _LEARNING_BPE.fullmatch(name) is not None


def length(tree: Tree) -> Found:
    """Truncation where text is encoded; a length option counts where a tokenizer is at hand."""
    bounds = tree.options(*LENGTHS, where=_bounds_text) | tree.options(
        *_CUT_LENGTHS, kinds=("parameter",), where=_cuts_text
    )
    at_hand = load(tree) or tree.calls(*ENCODERS) or _own_vocabulary(tree)
    return _truncation(tree) | (
        bounds if at_hand else bounds.as_near("a length, but no tokenizer is loaded here")
    )


def _own_vocabulary(tree: Tree) -> Found:
    """A class that turns text or sequences into indices in any way, characters and words included."""
    return tree.classes(
        lambda module, cls: _VOCABULARY.search(last(cls.name)) is not None and _encodes(module, cls),
        why="encodes in {}",
        looked_for="a vocabulary that encodes",
    )


def _truncation(tree: Tree) -> Found:
    own = {
        node_of(site.module, site.scope)
        for site in tree.index.keywords.find(("truncation",))
        if _truncates(site)
    }
    return (
        tree.keyword(
            "truncation",
            where=lambda site: _truncates(site) and _may_encode(tree, site, own),
            why="bounds length when calling {}",
        )
        | tree.keyword("max_length", "max_len", where=_encodes_to, why="bounds length when calling {}")
        | tree.keyword("maxlen", of=PADDERS, where=gives("maxlen"), why="bounds length with {}")
        | tree.keyword(
            "output_sequence_length",
            "fix_length",
            of=ENCODERS,
            where=gives("output_sequence_length", "fix_length"),
        )
        | tree.calls(
            "*.enable_truncation",
            "*.truncate_sequences",
            "torchtext.transforms.Truncate",
            "tensorflow_text.*Trimmer",
            why="bounds length with {}",
        )
    )


def _may_encode(tree: Tree, site: Site, own: set[str]) -> bool:
    """Not a function of the tree to which ``truncation`` means something else, as the end of an episode does."""
    node = definition_of(tree.modules.canonical(site.target, site.module), tree.modules)
    return not node or node in own or _ENCODING.search(last(node)) is not None


def _encodes_to(site: Site) -> bool:
    """``tokenizer(text, max_length=n)``, not ``generate(max_length=n)``."""
    given = (site.argument("max_length"), site.argument("max_len"))
    return _TOKENIZES.search(last(site.target)) is not None and any(
        value not in ("", "None") for value in given
    )


def _truncates(site: Site) -> bool:
    return site.argument("truncation") not in ("", "False", "None", "'do_not_truncate'")


def _bounds_text(option: Option) -> bool:
    """A setting of a run, or a parameter beside a tokenizer or a data set; not the shape of a network alone."""
    if option.kind != "parameter":
        return option.kind == "flag" or "model" not in option.path.rpartition("/")[2]
    return _PREPARES.search(f"{option.path} {option.scope}") is not None


def _cuts_text(option: Option) -> bool:
    """The length that a function is told which cuts pieces out of text or tokens."""
    return _CUTS.fullmatch(last(option.scope)) is not None and _PREPARES.search(option.path) is not None


def tests(tree: Tree) -> Found:
    """Tests that run what loads, trains or truncates; a setting alone is nothing to run."""
    code = load(tree) | train(tree) | _truncation(tree)
    places = {tree.node(item) for item in code.evidence if item.strength == "called" or _is_class(tree, item)}
    return tree.tests_running(places - {""}, why="encodes or decodes with the tokenizer", depth=DEPTH)


def _is_class(tree: Tree, item: Evidence) -> bool:
    return item.path in tree.module_at and item.scope in tree.module_at[item.path].classes
