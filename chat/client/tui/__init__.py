"""The full-screen client: an application in a terminal, on Textual."""
