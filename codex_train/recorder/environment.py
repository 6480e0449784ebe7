"""The environment record: a class, which holds only what can change bits, and a detail, which holds the rest.

What belongs to the class was measured, not guessed: threads, the instruction set that kernels are chosen by, modes of
the math libraries, the build of torch, the GPU. Seeds, file names and package lists do not. Secrets are recorded never:
variables come from two lists of harmless names.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.plain import to_plain
from codex_evidence.run_documents import PATCH, class_digest, schema_id
from codex_train.recorder.code import Code, record_code
from codex_train.recorder.packages import loaded_packages

CLASS_VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "DNNL_MAX_CPU_ISA",
    "KMP_DETERMINISTIC_REDUCTION",
    "MKL_CBWR",
    "MKL_DEBUG_CPU_TYPE",
    "MKL_DYNAMIC",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_NUM_THREADS",
    "NCCL_ALGO",
    "NCCL_PROTO",
    "NVIDIA_TF32_OVERRIDE",
    "NVTE_ALLOW_NONDETERMINISTIC_ALGO",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
DETAIL_VARIABLES = (
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_VISIBLE_DEVICES",
    "HF_DATASETS_OFFLINE",
    "HF_HUB_OFFLINE",
    "LANG",
    "LC_ALL",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "OMP_SCHEDULE",
    "PYTHONHASHSEED",
    "PYTORCH_CUDA_ALLOC_CONF",
    "RANK",
    "SLURM_JOB_NUM_NODES",
    "SLURM_NTASKS",
    "TOKENIZERS_PARALLELISM",
    "TRANSFORMERS_OFFLINE",
    "TZ",
    "WORLD_SIZE",
)
_LONGEST_VALUE = 4096
_FEATURES = frozenset(
    "sse4_2 avx avx2 fma f16c avx512f avx512bw avx512dq avx512vl avx512_vnni avx512_bf16 avx512_fp16 avx_vnni "
    "avx_ne_convert amx_tile amx_bf16 amx_int8 amx_fp16 asimd asimdhp asimddp bf16 i8mm sve sve2".split()
)


@dataclass(frozen=True, slots=True)
class Environment:
    """``document`` is what `environment.json` holds; ``files`` (name to bytes) lie beside it."""

    document: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def environment_class(self) -> Mapping[str, Any]:
        """What can change bits."""
        found: Mapping[str, Any] = self.document["class"]
        return found

    @property
    def class_sha256(self) -> str:
        return class_digest(self.environment_class)

    @property
    def sha256(self) -> str:
        return sha256_hex(canonical_bytes(self.document))

    @property
    def code_tree(self) -> str:
        """git's hash of the code's tree; empty outside git."""
        return str(self.code.get("tree", ""))

    @property
    def code(self) -> Mapping[str, Any]:
        """The record of the code; empty outside git."""
        return self.document["detail"]["code"] or {}

    @property
    def packages(self) -> tuple[str, ...]:
        """Names of the distributions in use."""
        return tuple(package["name"] for package in self.document["detail"]["packages"])


def record_environment(
    *, world_size: int = 1, code: Path | None = None, settings: Mapping[str, str] | None = None
) -> Environment:
    """The environment of this process, as it computes now: set threads and modes before.

    ``code`` is a folder of the user's code; ``settings`` are added to the detail. Looks at torch only where the process
    has loaded it, and at GPUs only where they are in use.
    """
    torch = sys.modules.get("torch")
    state = record_code(code) if code is not None else ""
    document = {
        "schema": schema_id("run_environment"),
        "class": _class(torch, world_size),
        "detail": _detail(torch, state, settings or {}),
    }
    patch = {PATCH: state.patch} if isinstance(state, Code) and state.patch else {}
    return Environment(document, patch)


def class_differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Field (``torch.threads``), recorded value and value now of each difference between two classes."""
    return list(_differences(recorded, now, ""))


def _differences(recorded: Any, now: Any, place: str) -> list[tuple[str, Any, Any]]:
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        return [
            found
            for key in sorted({*recorded, *now})
            for found in _differences(recorded.get(key), now.get(key), f"{place}.{key}" if place else key)
        ]
    return [] if recorded == now else [(place, recorded, now)]


def _class(torch: Any, world_size: int) -> dict[str, Any]:
    cpu = _cpu()
    flags = set(cpu.get("flags", cpu.get("Features", "")).split())
    distributed = (
        torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized()
    )
    return {
        "machine": platform.machine(),
        "cpu_vendor": cpu.get("vendor_id", cpu.get("CPU implementer", "")),
        "cpu_features": sorted(flags & _FEATURES),
        "torch": _torch(torch) if torch is not None else None,
        "cuda": _cuda(torch) if torch is not None and torch.cuda.is_initialized() else None,
        "world_size": world_size,
        "backend": str(torch.distributed.get_backend()) if distributed else "",
        "variables": _variables(CLASS_VARIABLES),
    }


def _torch(torch: Any) -> dict[str, Any]:
    described = (line.strip(" -") for line in torch.__config__.show().splitlines())
    return {
        "version": str(torch.__version__),
        "git": str(torch.version.git_version),
        "math": [line for line in described if line.startswith(("Intel(R)", "OpenMP", "LAPACK", "MKL-DNN"))],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "default_dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "matmul_precision": torch.get_float32_matmul_precision(),
        "onednn": bool(torch._C._get_mkldnn_enabled()),
    }


def _cuda(torch: Any) -> dict[str, Any]:
    devices = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    kernels = {
        "flash": cuda.flash_sdp_enabled(),
        "efficient": cuda.mem_efficient_sdp_enabled(),
        "math": cuda.math_sdp_enabled(),
        "cudnn": cuda.cudnn_sdp_enabled(),
    }
    return {
        "devices": [
            {
                "name": device.name,
                "capability": f"{device.major}.{device.minor}",
                "processors": device.multi_processor_count,
            }
            for device in devices
        ],
        "runtime": str(torch.version.cuda or torch.version.hip or ""),
        "cudnn": cudnn.version() or 0,
        "nccl": ".".join(map(str, torch.cuda.nccl.version()))
        if torch.distributed.is_nccl_available()
        else "",
        "tf32_matmul": bool(cuda.matmul.allow_tf32),
        "tf32_cudnn": bool(cudnn.allow_tf32),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn_deterministic": bool(cudnn.deterministic),
        "cudnn_benchmark": bool(cudnn.benchmark),
        "attention": sorted(name for name, enabled in kernels.items() if enabled),
    }


def _detail(torch: Any, code: Code | str, settings: Mapping[str, str]) -> dict[str, Any]:
    libc = "-".join(part for part in platform.libc_ver() if part)
    recorded = code if isinstance(code, Code) else None
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": " ".join(part for part in (platform.system(), platform.release(), libc) if part),
        "cpu": _cpu().get("model name", ""),
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpu_driver": _driver() if torch is not None and torch.cuda.is_initialized() else "",
        "packages": to_plain(loaded_packages()),
        "code": _code(recorded) if recorded is not None else None,
        "variables": _variables(DETAIL_VARIABLES),
        "settings": dict(settings),
        "notes": [code] if isinstance(code, str) and code else [],
    }


def _code(code: Code) -> dict[str, Any]:
    return {
        "commit": code.commit,
        "tree": code.tree,
        "dirty": code.dirty,
        "patch": PATCH if code.patch else "",
        "changes": [{"path": path, "object": digest} for path, digest in code.changes],
        "left_out": [{"path": one.path, "reason": one.reason} for one in code.left_out],
    }


def _variables(names: tuple[str, ...]) -> dict[str, str]:
    return {
        name: value.encode("utf-8", errors="backslashreplace").decode("utf-8")[:_LONGEST_VALUE]
        for name in names
        if (value := os.environ.get(name)) is not None
    }


def _cpu() -> dict[str, str]:
    """The first processor of /proc/cpuinfo; empty where the system has no such file."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            return _first_block(file.read(1 << 16))
    except FileNotFoundError:
        return {}


def _first_block(text: str) -> dict[str, str]:
    lines = text.partition("\n\n")[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _driver() -> str:
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return text.partition("\n")[0].strip()
