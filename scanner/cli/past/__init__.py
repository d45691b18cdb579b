"""The commands about what is kept in a store."""
