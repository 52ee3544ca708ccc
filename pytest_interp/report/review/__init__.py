"""Pending changes, accepted or refused by a person who looks at them."""
