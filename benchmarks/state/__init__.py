"""What requests cost where there is much of everything."""
