"""Pages and API: one module per noun, form and views together."""
