"""What makes the archive searchable at once. It can be deleted at any time: everything in it is made from commits."""
