"""Connections: the registry of clients, who may connect, rates, and deadlines."""
