"""Spec files: an experiment, its inputs and the claims about its result, in YAML. No pytest here."""
