"""Strangers to text, one module a format."""
