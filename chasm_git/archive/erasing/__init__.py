"""Forgetting: a session taken out of the archive, or out of all of its history."""
