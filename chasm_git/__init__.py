"""A git-backed, versioned archive of AI chat and coding-agent sessions."""

__version__ = "0.1.0"
