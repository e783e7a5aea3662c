"""What the records of one client mean, for readers that would be too long in one file."""
