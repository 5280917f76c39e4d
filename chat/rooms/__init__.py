"""The domain: accounts, rooms, membership and rights. No bytes, no keys, no I/O."""
