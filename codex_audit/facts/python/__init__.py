"""The reader of Python source."""

from codex_audit.facts.python.grammar import grammar
from codex_audit.facts.python.reader import read_python, read_tree
from codex_audit.facts.python.relocate import relocated

__all__ = ["grammar", "read_python", "read_tree", "relocated"]
