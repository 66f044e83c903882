"""GitHub's GraphQL interface, as far as the product uses it, held to GitHub's own schema."""
