"""Configuration: where the settings of a run come from, how they are checked, and whether they are kept."""

from __future__ import annotations

from codex_audit.capabilities import (
    config_commands,
    config_saved,
    config_schema,
    config_sources,
    config_sweeps,
)
from codex_audit.capabilities.model import Capability, Probe, Remedy

_ML_TEST_SCORE = "https://research.google/pubs/pub46555/"
_CHECKLIST = "https://neurips.cc/public/guides/PaperChecklist"

CAPABILITY = Capability(
    id="config",
    title="Configuration",
    summary="The settings of a run come from a file, can be overridden, are checked, and stay with the run.",
    probes=(
        Probe(
            id="config.file",
            ask="A run can be configured from a file",
            motivation="A file can be reviewed, compared and run again; a long command line cannot.",
            counts="YAML, TOML, JSON, INI, gin or Hydra files, or Python configuration files, read at run time",
            excludes="the attributes of a saved model, metadata of a hub, files that only tools read",
            risk="The settings of a run live in shell history and are lost with it.",
            remedy=Remedy(
                text="Add an option --config that reads a YAML or TOML file into the settings before the "
                "other flags.",
                effort="hours",
                touches=("probe:config.override", "probe:training.loop", "new:{package}/config.py"),
            ),
            rollback="Remove the option; the other flags work as before.",
            references=("https://jsonargparse.readthedocs.io/en/stable/", "https://hydra.cc/docs/intro/"),
            check=config_sources.file,
            core=True,
        ),
        Probe(
            id="config.override",
            ask="Settings can be overridden from the command line",
            motivation="Trying one other value should not need an edit of a file under version control.",
            counts="argparse, click, typer, tyro, fire, absl flags, Hydra or OmegaConf overrides, or a "
            "hand-written "
            "key=value parser",
            excludes="an imported parser that nothing calls, the command lines of setup.py and of "
            "documentation tools",
            risk="Every trial is an edit of the source, and runs can no longer be told apart by their commit.",
            remedy=Remedy(
                text="Parse the settings with argparse or a typed parser in the entry point.",
                effort="hours",
                touches=("probe:config.file", "probe:training.loop", "new:{package}/cli.py"),
            ),
            rollback="Remove the parser; settings come from the file or the defaults again.",
            references=("https://docs.python.org/3/library/argparse.html",),
            check=config_commands.override,
            core=True,
        ),
        Probe(
            id="config.schema",
            ask="Settings are validated against a typed schema",
            motivation="A misspelt or ill-typed setting should stop a run at once, not after a day.",
            counts="parsing into dataclasses (HfArgumentParser, tyro, jsonargparse, structured "
            "OmegaConf), pydantic, "
            "JSON Schema, or a systematic block of checks that raise on a bad field",
            excludes="argparse type= alone, bare access to a dict, scattered asserts",
            risk="A typing error silently falls back to a default, and the run answers another question.",
            remedy=Remedy(
                text="Declare the settings as a frozen dataclass or pydantic model and refuse unknown or "
                "bad fields.",
                effort="hours",
                touches=("probe:config.file", "probe:config.override", "new:{package}/config.py"),
            ),
            rollback="Read the settings without the schema; accepted files stay valid.",
            references=("https://docs.pydantic.dev/latest/", "https://json-schema.org/"),
            check=config_schema.schema,
            component="safeguards",
        ),
        Probe(
            id="config.sweep",
            ask="Supports hyper-parameter sweeps",
            motivation="A fair comparison needs every variant tuned with a known budget.",
            counts="Optuna, Ray Tune, W&B sweeps, Hydra multirun or sweeper configurations, scikit-learn "
            "searches, an "
            "own sweep script",
            excludes="a sweep that only a comment or document names",
            risk="Hyper-parameters are tuned by hand, unevenly, and nobody can say how many trials were made.",
            remedy=Remedy(
                text="Add a sweep command or configuration that runs the training entry point over a search space.",
                effort="hours",
                touches=("probe:config.override", "new:sweeps/default.yaml"),
            ),
            rollback="Delete the sweep configuration; single runs do not depend on it.",
            references=(_ML_TEST_SCORE, _CHECKLIST),
            check=config_sweeps.sweep,
        ),
        Probe(
            id="config.saved",
            ask="The resolved settings are saved with the run",
            motivation="What was run is the sum of file, flags and defaults; only the resolved settings say it.",
            counts="the settings written to the output folder, stored in the checkpoint or sent to the tracker",
            excludes="settings printed to the terminal, the architecture that a model's own save writes",
            risk="Nobody can tell which settings gave a result once a default has changed.",
            remedy=Remedy(
                text="Write the resolved settings as JSON or YAML into the output folder before the first step.",
                effort="minutes",
                touches=("probe:config.file", "probe:training.loop", "new:{package}/config.py"),
            ),
            rollback="Remove the write; nothing reads the file.",
            references=(_CHECKLIST, "https://arxiv.org/abs/2003.12206"),
            check=config_saved.saved,
            component="safeguards",
        ),
    ),
)
