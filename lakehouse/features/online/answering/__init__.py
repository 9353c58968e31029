"""A feature answered now: the one way that the service, Feast and the SDK go.

`reading` opens a domain's store, `answers` says at which moment a request is answered and computes
what comes of it. What these doors add is how they are spoken to.
"""
