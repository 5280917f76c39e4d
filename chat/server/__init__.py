"""The server's shell: Twisted factory and protocol, fan-out, state directory, service."""
