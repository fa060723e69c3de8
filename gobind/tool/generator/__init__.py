"""The generator of a contract's Go glue."""
