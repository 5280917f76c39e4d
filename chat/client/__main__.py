"""Lets ``python -m chat.client`` work."""

from chat.client.start import main

if __name__ == "__main__":
    main()
