"""How a folder becomes a list of files: git's view of it, or a plain walk; nothing in it is run, followed
or written."""
