"""Whether an audit is what it says: intact, current, and the one that this tree gives."""
