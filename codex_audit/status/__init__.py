"""The status update: what a team wants to know of a repository, written from facts."""
