"""One module a verb: it parses, calls, prints, sets the exit code, and imports late what is heavy."""
