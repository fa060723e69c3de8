"""Libraries and calls. Imports `gobind.codec` and before; never the tools."""
