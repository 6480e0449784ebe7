"""Reproducibility: whether a run can be made again, and what it would take."""

from __future__ import annotations

from codex_audit.capabilities import reproducibility_declared as declared
from codex_audit.capabilities import reproducibility_records as records
from codex_audit.capabilities import reproducibility_seeds as seeds
from codex_audit.capabilities.model import Capability, Probe, Remedy

_CHECKLIST = "https://neurips.cc/public/guides/PaperChecklist"
_PYTORCH = "https://docs.pytorch.org/docs/stable/notes/randomness.html"

CAPABILITY = Capability(
    id="reproducibility",
    title="Reproducibility",
    summary="A run can be made again: seeds, determinism, dependencies, environment and code are known.",
    probes=(
        Probe(
            id="reproducibility.seed",
            ask="Seeds the random generators",
            motivation="Without a seed two runs of the same code differ, and no change can be told from noise.",
            counts="torch.manual_seed or its equal in another framework, set_seed, seed_everything, PRNGKey; a "
            "hard-coded seed counts",
            excludes="a seed option that nothing reads",
            risk="Results cannot be repeated, and a regression cannot be told from luck.",
            remedy=Remedy(
                text="Seed the framework's generator at the start of training, from a setting.",
                effort="minutes",
                touches=("probe:training.loop", "new:{package}/seed.py"),
            ),
            rollback="Remove the call; runs are unseeded as before.",
            references=(_PYTORCH, _CHECKLIST),
            check=seeds.seed,
            core=True,
        ),
        Probe(
            id="reproducibility.seed-all",
            ask="Seeds Python's, NumPy's and the framework's generators together",
            motivation="Data order and augmentation draw from other generators than the weights do.",
            counts="random.seed, np.random.seed and torch.manual_seed in one place, or a helper that does all three "
            "(transformers.set_seed, seed_everything)",
            excludes="JAX keys alone",
            risk="A seeded run still differs, because one generator was forgotten.",
            remedy=Remedy(
                text="Seed all three generators in one function and call it once.",
                effort="minutes",
                touches=("probe:reproducibility.seed", "probe:training.loop", "new:{package}/seed.py"),
            ),
            rollback="Go back to seeding the framework alone.",
            references=(_PYTORCH,),
            check=seeds.seed_all,
        ),
        Probe(
            id="reproducibility.deterministic",
            ask="Can switch deterministic algorithms on",
            motivation="Some kernels add in an order that changes from run to run, whatever the seed.",
            counts="torch.use_deterministic_algorithms(True), cudnn.deterministic=True, full_determinism, "
            "Trainer(deterministic=True), CUBLAS_WORKSPACE_CONFIG, XLA determinism flags",
            excludes="cudnn.benchmark=False alone",
            risk="Seeded runs still drift apart on an accelerator.",
            remedy=Remedy(
                text="Add a switch for torch.use_deterministic_algorithms(True) that sets CUBLAS_WORKSPACE_CONFIG.",
                effort="hours",
                touches=("probe:reproducibility.seed", "probe:training.loop", "new:{package}/seed.py"),
            ),
            rollback="Leave the switch off; speed is as before.",
            references=(_PYTORCH,),
            check=seeds.deterministic,
            component="safeguards",
        ),
        Probe(
            id="reproducibility.pinned",
            ask="Dependencies are locked",
            motivation="A range installs something else next month.",
            counts="uv.lock, poetry.lock, Pipfile.lock, conda-lock, requirements with every runtime dependency "
            "pinned by ==",
            excludes="a few == among >=",
            risk="The same commit installs other code later, and the results move without a change.",
            remedy=Remedy(
                text="Commit a lock file made from the declared dependencies, with hashes.",
                effort="minutes",
                touches=("file:requirements.txt", "new:requirements/lock.txt"),
            ),
            rollback="Delete the lock file; installs resolve freely again.",
            references=("https://packaging.python.org/en/latest/specifications/pylock-toml/", _CHECKLIST),
            check=declared.pinned,
            component="safeguards",
        ),
        Probe(
            id="reproducibility.environment",
            ask="Records the run's environment",
            motivation="Versions and hardware change bits; a run that does not say where it ran cannot be compared.",
            counts="Python or package versions, hardware or hostname written with the run",
            excludes="a bug-report script that a user must run by hand, what a tracker records on its own",
            risk="Two runs differ and nobody can say what differed between the machines.",
            remedy=Remedy(
                text="Write versions of Python, the framework and the accelerator into the run's folder.",
                effort="hours",
                touches=("probe:config.saved", "probe:training.loop", "new:{package}/environment.py"),
            ),
            rollback="Stop writing the record.",
            references=(_CHECKLIST, "https://arxiv.org/abs/2308.07832"),
            check=records.environment,
        ),
        Probe(
            id="reproducibility.code-version",
            ask="Records the code version with the run",
            motivation="A checkpoint without its commit cannot be traced to the code that made it.",
            counts="git SHA or package version written to the run's files, checkpoint or tracker by the "
            "repository's own code",
            excludes="a version that is only printed",
            risk="Nobody can tell which code made the weights that are in use.",
            remedy=Remedy(
                text="Write the git commit and the package version into the checkpoint or the run's folder.",
                effort="minutes",
                touches=(
                    "probe:config.saved",
                    "probe:checkpointing.weights",
                    "probe:training.loop",
                    "new:{package}/version.py",
                ),
            ),
            rollback="Stop writing the field; readers must treat it as optional.",
            references=(_CHECKLIST,),
            check=records.code_version,
        ),
        Probe(
            id="reproducibility.declared-python",
            ask="Declares the Python version it needs",
            motivation="An unsupported interpreter fails late, or runs and differs.",
            counts="requires-python, python_requires, .python-version, a conda environment with a Python version",
            excludes="a classifier, a sentence in the README",
            risk="Users install it on an interpreter that it was never run on.",
            remedy=Remedy(
                text="Declare requires-python in pyproject.toml.",
                effort="minutes",
                touches=("file:pyproject.toml", "file:setup.cfg", "file:setup.py", "new:pyproject.toml"),
            ),
            rollback="Remove the line.",
            references=(
                "https://packaging.python.org/en/latest/specifications/core-metadata/#requires-python",
            ),
            check=declared.declared_python,
        ),
    ),
)
