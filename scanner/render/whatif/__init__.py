"""What would be if a policy had its way, to text, one module a format."""
