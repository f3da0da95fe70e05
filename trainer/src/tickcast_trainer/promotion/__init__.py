"""Which version of a model is champion: decided on evidence, written down, and taken back."""
