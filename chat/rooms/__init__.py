"""The domain: who is who, who is in which room, who may do what. No bytes, no keys, no I/O."""
