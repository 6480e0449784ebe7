"""Browsing audits and runs in a terminal: what is on disk, followed as it changes. Decides nothing."""
