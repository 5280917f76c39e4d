"""The client without a terminal, a socket, a clock or a file (see `chat.client.core.core`)."""
