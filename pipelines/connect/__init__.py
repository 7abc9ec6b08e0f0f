"""Connecting an account: what is asked, in a terminal or on a local page, how access is granted, and where it is kept.

`questions` says what a provider's manifest asks for, `attempt` checks and keeps the answers, `files` writes them where
dlt finds them, `callback` waits for the browser that comes back from the provider, `page` and `site` are the form.
"""
