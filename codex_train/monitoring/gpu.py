"""What NVIDIA's management library says about the GPUs of this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class GpuSample:
    """A GPU at one moment; None for what it does not tell. ``index`` counts all GPUs of the machine, in the order of
    their bus addresses, whatever CUDA_VISIBLE_DEVICES shows this process."""

    index: int
    utilisation_percent: int | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    temperature_celsius: int | None
    power_watts: float | None


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs that can be asked; none where ``absent`` says why."""

    nvml: Any
    handles: tuple[Any, ...]
    absent: str = ""

    def sample(self) -> tuple[GpuSample, ...]:
        """Every GPU now."""
        return tuple(_sample(self.nvml, index, handle) for index, handle in enumerate(self.handles))

    def close(self) -> None:
        if self.handles:
            self.nvml.nvmlShutdown()


def find_gpus() -> Gpus:
    """The GPUs of this machine. Never raises: a machine without any is a usual one."""
    try:
        nvml = import_module("pynvml")
    except ImportError:
        return Gpus(None, (), "no figures of a GPU: nvidia-ml-py is not installed")
    try:
        nvml.nvmlInit()
        handles = tuple(nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount()))
    except nvml.NVMLError as error:
        return Gpus(None, (), f"no NVIDIA GPU: {error}")
    return Gpus(nvml, handles, "" if handles else "no NVIDIA GPU: the driver lists none")


def _sample(nvml: Any, index: int, handle: Any) -> GpuSample:
    def asked(question: Callable[..., Any], *more: Any) -> Any:
        try:
            return question(handle, *more)
        except nvml.NVMLError:  # not supported by this model, or lost; another figure may still be there
            return None

    utilisation = asked(nvml.nvmlDeviceGetUtilizationRates)
    memory = asked(nvml.nvmlDeviceGetMemoryInfo)
    milliwatts = asked(nvml.nvmlDeviceGetPowerUsage)
    return GpuSample(
        index=index,
        utilisation_percent=None if utilisation is None else int(utilisation.gpu),
        memory_used_bytes=None if memory is None else int(memory.used),
        memory_total_bytes=None if memory is None else int(memory.total),
        temperature_celsius=asked(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU),
        power_watts=None if milliwatts is None else milliwatts / 1000,
    )
