"""What the client keeps on disk: identities and pinned host keys."""
