"""Model versions from a registry, brought into the folder that the server loads models from."""
