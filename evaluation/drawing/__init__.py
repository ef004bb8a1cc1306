"""Pictures of poses, charts, and one set of colours."""
