"""The browser viewer: `python -m viewer`. No other room imports it."""
