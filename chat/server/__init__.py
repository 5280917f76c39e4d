"""The server: Twisted factory and protocol, requests, fan-out, state, service."""
