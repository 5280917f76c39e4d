"""The sentences in which every face tells what happened."""
