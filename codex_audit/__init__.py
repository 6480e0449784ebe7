"""Read a repository, say what it can do and what it lacks, and show the line that proves each verdict."""

__version__ = "0.1.0"
