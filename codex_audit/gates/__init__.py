"""Hooks and the ratchet: what somebody is about to commit goes in, problems with their place and remedy come out."""
