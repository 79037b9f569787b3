"""What both sandbox servers share: clock, database, request log, faults, limits, webhooks, control routes, serving.

Invariant: the kernel knows no business rule of either side; a server plugs in its own classifier, error envelope
and webhook rendering.

A server is put together like this (all names below are the public API; each module's docstring has the details):

    conn = open_database(state)                                     # database.py
    kernel = Kernel.create(conn, render=..., limits=[LimitRule(...)], formats=("legacy", "cloudevents"))  # control.py
    app = Starlette(routes=[*kernel.routes(world), *own_routes], lifespan=kernel.lifespan)
    wrapped = SandboxMiddleware(app, kernel, classify=..., answer=..., spoiler=...)  # middleware.py
    serve(wrapped, host, port, {"discovery_url": "{base_url}/.well-known/openid_configuration", ...})  # serve.py

A server that does the faults about its own records brings a Spoiler (spoiling.py); what can be ordered is in faults.py.

Handlers are plain synchronous functions on one connection in the event-loop thread (wrap them in `async def`, or
Starlette moves them to a thread): `with transaction(conn): ...; kernel.webhooks.enqueue(event)`.
"""
