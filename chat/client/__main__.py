"""Lets ``python -m chat.client`` work."""

from chat.client.line.app import main

if __name__ == "__main__":
    main()
