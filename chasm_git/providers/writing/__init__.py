"""The contract of the writers, and what they share: planning, converting, writing, reading back."""
