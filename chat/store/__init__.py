"""Storage for logs and state. The rest of the server knows only `interface`, and `registry`, which
opens a store."""
