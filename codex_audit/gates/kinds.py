"""What a file is that no repository should hold, by its name and by its first bytes."""

from __future__ import annotations

import re

LOOKED_AT = 2**20
"""How many bytes of a file decide."""

_CHECKPOINTS = (
    *(".pt", ".pth", ".ckpt", ".safetensors", ".gguf", ".ggml", ".onnx", ".h5", ".hdf5", ".keras", ".tflite"),
    *(".pkl", ".pickle", ".joblib", ".distcp", ".orbax", ".mar", ".mlmodel", ".nemo"),
)
_CHECKPOINT_NAME = re.compile(
    r"(?:pytorch_model|adapter_model|diffusion_pytorch_model|optimizer|training_args|model|consolidated)"
    r"[-\w.]*\.bin|[-\w.]+\.data-\d{5}-of-\d{5}|flax_model[-\w.]*\.msgpack"
)
_LOG_NAME = re.compile(
    r".+\.log(?:\.\d+)?(?:\.gz|\.bz2|\.xz|\.zst)?|nohup\.out|events\.out\.tfevents\..+", re.DOTALL
)
_ENV_NAME = re.compile(r"\.env(?:rc|\..+)?|.+\.env", re.DOTALL)
_ENV_EXAMPLES = ("example", "sample", "template", "dist", "defaults", "tmpl")
_KEY_NAME = re.compile(
    r"id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|.+\.(?:p12|pfx|jks|keystore|kdbx|ppk)", re.DOTALL
)
_KEY_BEGIN = re.compile(
    rb"^-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----[ \t]*\r?$", re.MULTILINE
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/=]{40,}")
_KEY_LINES = 8

# torch.save before 1.6: a pickle of this number. safetensors: the length of a JSON object, and that object.
_TORCH_PICKLE = re.compile(rb"\x80[\x02-\x05]\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19\.")
_PICKLE = re.compile(rb"\x80[\x02-\x05](?:\x95|[\]}(cX\x8c\x8a])")
_LONGEST_HEADER = 100 * 10**6


def forbidden(name: str, data: bytes) -> str:
    """What the file called ``name`` that begins with ``data`` is; empty when nothing speaks against it."""
    lower = name.lower()
    if kind := _checkpoint_bytes(data):
        return kind
    if lower.endswith(_CHECKPOINTS) or _CHECKPOINT_NAME.fullmatch(lower):
        return "a checkpoint by its name"
    if _has_key(data) or _KEY_NAME.fullmatch(lower):
        return "a private key"
    if _ENV_NAME.fullmatch(lower) and not lower.endswith(_ENV_EXAMPLES):
        return "a file of environment variables"
    return "a log" if _LOG_NAME.fullmatch(lower) else ""


def is_binary(data: bytes) -> bool:
    """As git decides it: a NUL among the first 8,000 bytes."""
    return b"\0" in data[:8000]


def _checkpoint_bytes(data: bytes) -> str:
    if data.startswith(b"PK\x03\x04") and re.search(rb"^.{26,200}?/data\.pkl", data[:300], re.DOTALL):
        return "a checkpoint of torch"
    if _TORCH_PICKLE.match(data):
        return "a checkpoint of torch"
    if _is_safetensors(data):
        return "a checkpoint (safetensors)"
    if data.startswith(b"GGUF"):
        return "a checkpoint (GGUF)"
    if data.startswith(b"\x89HDF\r\n\x1a\n"):
        return "an HDF5 file, of weights or data"
    if data[4:8] == b"TFL3":
        return "a model of TensorFlow Lite"
    return "a pickle, which can run code when it is loaded" if _PICKLE.match(data) else ""


def _is_safetensors(data: bytes) -> bool:
    length = int.from_bytes(data[:8], "little")
    header = data[8:10]
    return len(data) >= 10 and 2 <= length <= _LONGEST_HEADER and header in (b'{"', b"{}", b"{ ", b"{\n")


def _has_key(data: bytes) -> bool:
    """Whether lines of Base64 follow a header of PEM (RFC 7468) or OpenPGP; the header alone stands in documents."""
    for match in _KEY_BEGIN.finditer(data):
        lines = data[match.end() : match.end() + 2000].split(b"\n")[1 : _KEY_LINES + 1]
        if any(_BASE64.fullmatch(line.strip()) for line in lines):
            return True
    return False
