"""Results that are kept on disk: what was computed once from the same inputs is read back.

Nothing here imports torch.
"""
