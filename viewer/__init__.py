"""What people look at: pictures of poses. A leaf; the other rooms may use `viewer.drawing` and nothing else of it."""
