"""Tests over real sockets: a server in this process, and the programs that users start."""
