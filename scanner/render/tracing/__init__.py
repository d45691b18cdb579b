"""A trace in formats. The module beside this package, `scanner.render.trace`, is about how a verdict comes about."""
