"""The unified model and what maps a provider's records to it.

`model` says what the four resources hold, `<provider>/<resource>.jsonata` how a provider's record becomes
one of them, `engine` evaluates these expressions, `mapper` runs them over pages. Nothing here reads the
network, the clock or the configuration.
"""
