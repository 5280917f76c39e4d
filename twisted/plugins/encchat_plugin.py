"""Registers ``encchat`` with twistd and twist."""

from twisted.application.service import ServiceMaker

encchat = ServiceMaker("encchat", "chat.server.plugin", "An encrypted chat server.", "encchat")
