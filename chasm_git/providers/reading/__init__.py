"""What readers of many clients share: files and databases as records, and conversations of a common shape."""
