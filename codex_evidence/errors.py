"""Typed errors. A message says what was wrong, where, and what to do; a command ends with ``exit_code``.

Exit codes: 1 findings or a failed check, 2 usage, configuration or unreadable input, 3 internal error,
4 stale or interrupted.
"""

from __future__ import annotations


class CodexError(Exception):
    """Base of every error that the toolkit raises on purpose."""

    exit_code: int = 3


class UsageError(CodexError):
    """The call or the configuration cannot be carried out as given."""

    exit_code = 2


class UnreadableError(CodexError, OSError):
    """A file that cannot be read, or is no regular file; an OSError too, for callers that treat all alike."""

    exit_code = 2


class WriteError(CodexError, OSError):
    """A file that cannot be written or removed."""

    exit_code = 2


class InvalidNameError(CodexError):
    """A recorded file name that no file can have, or that is not spelled as the recorder spells it."""

    exit_code = 2


class StrictJsonError(CodexError):
    """A document that the strict reader refuses. Raised as one of the subclasses below."""

    exit_code = 2


class JsonSyntaxError(StrictJsonError):
    """Not JSON (RFC 8259), or more than one value."""


class JsonEncodingError(StrictJsonError):
    """Not UTF-8, a byte order mark, or a lone surrogate."""


class JsonSizeError(StrictJsonError):
    """More bytes than the reader accepts."""


class JsonDepthError(StrictJsonError):
    """More nested arrays and objects than the reader accepts."""


class DuplicateKeyError(StrictJsonError):
    """An object that gives one key twice."""


class JsonNumberError(StrictJsonError):
    """NaN, an infinity, or an integer that a double cannot hold exactly."""


class CanonicalError(CodexError):
    """A value without RFC 8785 bytes."""


class NotCanonicalError(CodexError):
    """A document that parses but is not in its canonical bytes."""

    exit_code = 1


class SchemaError(CodexError):
    """A document that does not follow its JSON Schema."""

    exit_code = 1


class ConversionError(CodexError):
    """Plain data that does not fit the type it is read as."""

    exit_code = 2


class ResourceError(CodexError):
    """A schema or template that this installation lacks."""


class ChainError(CodexError):
    """A chain that cannot be built."""


class TensorFileError(CodexError):
    """A safetensors file, or tensors that cannot be one, that breaks the format's rules."""

    exit_code = 1


class StepError(CodexError):
    """A step that cannot be recorded."""

    exit_code = 1


class RunError(CodexError):
    """A run folder that is not what it should be, or that cannot take what is to be recorded."""

    exit_code = 1
