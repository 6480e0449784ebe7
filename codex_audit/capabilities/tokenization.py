"""Tokenization: from text to model input, and where its vocabulary comes from."""

from __future__ import annotations

from codex_audit.capabilities import tokenization_checks as checks
from codex_audit.capabilities.model import Capability, Probe, Remedy

CAPABILITY = Capability(
    id="tokenization",
    title="Tokenization",
    summary="Text becomes model input through a known, bounded, tested vocabulary.",
    probes=(
        Probe(
            id="tokenization.load",
            ask="Loads or builds a subword tokenizer in non-test code",
            motivation="A language model is only defined together with the tokenizer that made its input.",
            counts="tokenizers, sentencepiece, tiktoken, AutoTokenizer/PreTrainedTokenizer*, or an own BPE, unigram "
            "or WordPiece implementation",
            excludes="str.split, character tables, a tokenizer passed in and only called, one hidden inside a loaded "
            "model wrapper",
            risk="Nobody can tell which vocabulary the weights belong to; a swapped one degrades silently.",
            remedy=Remedy(
                text="Load the tokenizer beside the model, by path or pinned revision, in one function.",
                effort="hours",
                touches=("probe:modeling.network", "probe:training.loop", "new:{package}/tokenizer.py"),
            ),
            rollback="Remove the function; callers go back to the tokenizer that they were given.",
            references=("https://huggingface.co/docs/transformers/main_classes/tokenizer",),
            check=checks.load,
            core=True,
        ),
        Probe(
            id="tokenization.train",
            ask="Can train a tokenizer vocabulary from a corpus",
            motivation="A model for a new domain or language needs a vocabulary of its own, made reproducibly.",
            counts="BpeTrainer, train_new_from_iterator, SentencePieceTrainer.train, an own BPE training routine",
            excludes="adding special tokens",
            risk="The vocabulary was made elsewhere, by steps that nobody can repeat.",
            remedy=Remedy(
                text="Add a command that trains a vocabulary from a corpus and saves it with its settings.",
                effort="hours",
                touches=("probe:tokenization.load", "new:{package}/train_tokenizer.py"),
            ),
            rollback="Remove the command; existing vocabularies still load.",
            references=("https://huggingface.co/docs/tokenizers/api/trainers",),
            check=checks.train,
        ),
        Probe(
            id="tokenization.length",
            ask="Bounds sequence length explicitly when encoding or packing",
            motivation="Unbounded input overflows the context or the memory of the accelerator.",
            counts="truncation= or max_length=, packing or chunking to a block or context size",
            excludes="a model configuration's max_position_embeddings alone",
            risk="One long record stops a run, or is cut where nobody chose to cut it.",
            remedy=Remedy(
                text="Pass truncation and max_length when encoding, or pack to the context length.",
                effort="minutes",
                touches=("probe:tokenization.load", "probe:data.split", "new:{package}/tokenizer.py"),
            ),
            rollback="Drop the two arguments; encoding is unbounded as before.",
            references=("https://huggingface.co/docs/transformers/pad_truncation",),
            check=checks.length,
            component="safeguards",
        ),
        Probe(
            id="tokenization.tests",
            ask="Tests exercise tokenization",
            motivation="An off-by-one in special tokens changes every example and no loss curve shows it.",
            counts="an asserting test that encodes or decodes with the repository's tokenizer code",
            excludes="a test that only constructs a tokenizer and asserts nothing",
            risk="A library upgrade changes the ids and nobody notices until the model is worse.",
            remedy=Remedy(
                text="Add a round-trip test: decode(encode(text)) equals text, with the ids of one known string.",
                effort="minutes",
                touches=("file:tests/*token*", "new:tests/test_tokenization.py"),
            ),
            rollback="Delete the test file.",
            references=(),
            check=checks.tests,
            component="tests",
        ),
    ),
)
