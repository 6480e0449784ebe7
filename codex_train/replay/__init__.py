"""Replay: a recorded run is run again and compared with its record, step by step."""
