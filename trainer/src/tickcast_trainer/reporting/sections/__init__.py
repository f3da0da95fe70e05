"""The sections of the page, each from its part of the report."""
