"""Dataset cards: how good a synthetic pose set is. `python -m evaluation.synthetic_quality` is the command."""
