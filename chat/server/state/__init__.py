"""State: what is kept, and how it changes."""
