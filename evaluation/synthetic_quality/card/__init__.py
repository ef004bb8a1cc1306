"""The pages of a dataset card."""
