"""A history to text, one module a format."""
