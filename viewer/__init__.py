"""What people look at: `python -m viewer`, and pictures of poses. A leaf; the other rooms may use `viewer.drawing` and
`viewer.colours` and nothing else of it."""
