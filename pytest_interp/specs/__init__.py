"""Spec files: an experiment, its inputs and claims about its result, in YAML. No pytest here."""
