"""Drift to text, one module a format."""
