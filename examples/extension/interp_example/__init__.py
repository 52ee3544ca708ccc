"""What pytest-interp does not bring, each in a file of its own."""
