"""Atlassian to snapshot: what is asked, and what the answers mean."""
