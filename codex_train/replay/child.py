"""The process that runs a stretch again: ``python -m codex_train.replay.child REQUEST``, alone or under torchrun.

It is started with the recorded variables, which math libraries read once. The request says the rest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_evidence.atomic import write_bytes
from codex_evidence.canonical import canonical_bytes
from codex_evidence.documents import artifact_bytes
from codex_evidence.errors import CodexError
from codex_evidence.plain import from_plain
from codex_evidence.strict_json import loads


@dataclass(frozen=True, slots=True)
class Request:
    """``config`` is a resolved configuration, run into the new folder ``folder``; ``modes`` is the recorded class whose
    modes of torch are to be set, None to leave them. ``checkpoint`` (with ``run``, the folder that it is of) is what to
    go on from, empty for a start at step 0. An error is written to ``failure``."""

    config: dict[str, Any]
    base: str
    folder: str
    failure: str
    modes: dict[str, Any] | None
    run: str
    checkpoint: str


def write_request(path: Path, request: Request) -> None:
    write_bytes(path, artifact_bytes(request))


def main(path: str) -> int:
    request = from_plain(Request, loads(Path(path).read_bytes(), source=path))
    try:
        if request.modes is not None:
            restore_modes(request.modes)
        return _trained(request)
    except CodexError as error:
        if os.environ.get("RANK", "0") == "0":
            write_bytes(Path(request.failure), canonical_bytes({"error": " ".join(str(error).splitlines())}))
        print(error, file=sys.stderr)
        return error.exit_code


def restore_modes(recorded: Mapping[str, Any]) -> None:
    """Sets torch's threads and modes as the environment class ``recorded`` has them, those that differ; a class that
    cannot be had shows when the run records its own."""
    import torch

    wanted = recorded["torch"]
    if wanted is None:
        return
    if torch.get_num_interop_threads() != wanted["interop_threads"]:
        torch.set_num_interop_threads(wanted["interop_threads"])
    if torch.get_num_threads() != wanted["threads"]:
        torch.set_num_threads(wanted["threads"])
    if torch.get_float32_matmul_precision() != wanted["matmul_precision"]:
        torch.set_float32_matmul_precision(wanted["matmul_precision"])
    dtype = getattr(torch, wanted["default_dtype"], None)
    if isinstance(dtype, torch.dtype) and dtype.is_floating_point and dtype != torch.get_default_dtype():
        torch.set_default_dtype(dtype)
    if torch._C._get_mkldnn_enabled() != wanted["onednn"]:
        torch._C._set_mkldnn_enabled(wanted["onednn"])
    if recorded["cuda"] is not None:
        _restore_cuda(recorded["cuda"])


def _restore_cuda(wanted: Mapping[str, Any]) -> None:
    import torch

    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    if cuda.matmul.allow_tf32 != wanted["tf32_matmul"]:
        cuda.matmul.allow_tf32 = wanted["tf32_matmul"]
    if cudnn.allow_tf32 != wanted["tf32_cudnn"]:
        cudnn.allow_tf32 = wanted["tf32_cudnn"]
    cudnn.deterministic = wanted["cudnn_deterministic"]
    cudnn.benchmark = wanted["cudnn_benchmark"]
    kernels = wanted["attention"]
    cuda.enable_flash_sdp("flash" in kernels)
    cuda.enable_mem_efficient_sdp("efficient" in kernels)
    cuda.enable_math_sdp("math" in kernels)
    cuda.enable_cudnn_sdp("cudnn" in kernels)


def _trained(request: Request) -> int:
    from codex_evidence.run_identity import FIELDS
    from codex_train.config.load import config_from_plain
    from codex_train.engine.recorded import recorded_run
    from codex_train.engine.run import continue_training, run_training

    config, base, folder = config_from_plain(request.config), Path(request.base), Path(request.folder)
    if not request.checkpoint:
        return run_training(config, base, folder).exit_code
    # Whatever was let through at the resume is let through here: the stretch has what was recorded for it.
    recorded = recorded_run(Path(request.run))
    return continue_training(config, base, folder, recorded, Path(request.checkpoint), FIELDS).exit_code


if __name__ == "__main__":
    code = main(sys.argv[1])
    sys.stdout.flush()
    sys.stderr.flush()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        os._exit(code)  # gloo's threads may abort an interpreter that is taken down in order
    sys.exit(code)
