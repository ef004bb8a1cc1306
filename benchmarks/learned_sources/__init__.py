"""Ways of learning poses that the training people never made, each a plugin beside the package (docs/gan.md)."""
