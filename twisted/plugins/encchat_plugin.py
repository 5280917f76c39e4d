"""Registers ``encchat`` with twistd and twist."""

from twisted.application.service import ServiceMaker

encchat = ServiceMaker("encchat", "chat.server.service", "An encrypted chat server.", "encchat")
