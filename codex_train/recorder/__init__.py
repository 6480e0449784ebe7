"""The run folder, for any training loop: open a `recorder.Recorder`, tell it each step, close it.

Knows no engine, and of torch only what the process has loaded anyway.
"""
