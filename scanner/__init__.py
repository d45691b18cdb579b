"""Policy-as-code compliance scanner for Atlassian Cloud."""

__version__ = "0.1.0"
