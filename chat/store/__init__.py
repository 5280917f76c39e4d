"""Logs and the state, where they are kept. The rest of the server knows only `interface`, and
`registry`, which opens a store."""
