"""What people look at in a browser: `python -m viewer`. A leaf: no other room imports it."""
