"""The normalized session: model, canonical bytes, order, merge. Pure: no I/O, no git."""
