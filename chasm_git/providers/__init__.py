"""Readers of the stores of AI clients. One file and one fixture folder each; they import `session` only."""
