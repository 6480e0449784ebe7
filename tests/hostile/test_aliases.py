"""Whatever names people give to what they import, the verdicts stay."""

from __future__ import annotations

import pytest

from tests.hostile.aliasing import STYLES, aliased
from tests.hostile.answers import changed, verdicts, yes
from tests.hostile.programs import PROGRAMS, verdicts_of
from tests.query.trees import tree_of

# What a careful reader says of each tree; every other probe is no.
DOES = {
    "torch": """
        tokenization.load tokenization.train tokenization.length
        modeling.network modeling.dtype modeling.device modeling.by-name
        training.loop training.mixed-precision training.accumulation training.clipping training.schedule
        training.distributed config.file config.override config.saved
        evaluation.loop evaluation.metrics evaluation.records
        monitoring.logging monitoring.system monitoring.throughput monitoring.progress
        checkpointing.weights checkpointing.optimizer checkpointing.resume checkpointing.rng checkpointing.retention
        checkpointing.digest data.split data.shuffle data.streaming data.cache
        tracking.backend tracking.offline tracking.config
        reproducibility.seed reproducibility.seed-all reproducibility.deterministic reproducibility.environment
        reproducibility.code-version
    """,
    "transformers": """
        tokenization.load tokenization.length modeling.network modeling.dtype modeling.device modeling.adapters
        training.loop training.mixed-precision training.accumulation training.clipping training.schedule
        training.distributed config.file config.override config.schema config.saved
        evaluation.loop evaluation.metrics evaluation.records monitoring.logging monitoring.progress
        checkpointing.weights checkpointing.optimizer checkpointing.resume checkpointing.rng checkpointing.retention
        data.split data.shuffle data.streaming data.cache tracking.backend tracking.offline tracking.config
        reproducibility.seed reproducibility.seed-all reproducibility.deterministic
    """,
    "lightning": """
        modeling.network modeling.dtype modeling.device
        training.loop training.mixed-precision training.accumulation training.clipping training.schedule
        training.distributed config.override config.saved evaluation.loop evaluation.metrics evaluation.records
        monitoring.progress checkpointing.weights checkpointing.optimizer checkpointing.resume
        checkpointing.retention data.split data.shuffle tracking.backend tracking.offline tracking.config
        reproducibility.seed reproducibility.seed-all reproducibility.deterministic
    """,
    "jax": """
        modeling.network training.loop training.accumulation training.clipping training.schedule config.override
        evaluation.loop evaluation.metrics evaluation.records monitoring.logging
        checkpointing.weights checkpointing.optimizer checkpointing.resume checkpointing.retention
        data.split data.shuffle reproducibility.seed
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_way_of_training_is_seen_whole_and_nothing_beside_it(name: str) -> None:
    assert yes(PROGRAMS[name]) == set(DOES[name].split())


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_code_under_other_names_gives_the_same_verdicts(name: str, style: str) -> None:
    rewritten = aliased(PROGRAMS[name], style)
    assert any(rewritten[path] != text for path, text in PROGRAMS[name].items())
    assert changed(verdicts_of(name), verdicts(tree_of(rewritten))) == {}
