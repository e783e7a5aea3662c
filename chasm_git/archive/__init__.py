"""The git repository behind the archive. The only package that imports dulwich or GitPython."""
