"""Where bars come from: one function per kind of source, found by name through entry points."""
