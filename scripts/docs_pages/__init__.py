"""What the documentation site is built from: the Markdown of the checkout, and generated pages."""
