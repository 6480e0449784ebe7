"""What people see of a run: while it goes on, at its end, and afterwards from its folder."""
