"""Where synthetic poses come from."""
