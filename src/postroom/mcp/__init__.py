"""`postroom mcp`: the post room for models, as an MCP server on standard input and output. Standard library and our SDK only."""
