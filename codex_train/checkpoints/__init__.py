"""State to files and back: written whole or not at all, verified before it is used, never pickled."""
