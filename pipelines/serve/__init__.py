"""The unified API over HTTP: routes, keys and limits around the live reading and writing of the connector.

Only this package knows FastAPI, and the command line imports it when it serves.
"""
