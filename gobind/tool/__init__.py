"""The build-time half:

reads a contract, writes its Go glue, runs go build. The runtime never imports this package.
"""
