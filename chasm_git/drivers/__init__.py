"""Programs git starts by itself. Each starts with the standard library and `session` alone: git waits for them."""
