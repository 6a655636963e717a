"""Footage from any server that speaks the OpenAI Videos API: SGLang-Diffusion, vLLM-Omni, FastVideo, gateways.

    engine.py      the port's side: facts, what is refused; imports nothing heavy
    options.py     what a campaign may set, and what is asked of the server for it
    address.py     which server, from the environment alone; which addresses are taken
    form.py        a shot as the form that is posted; picture.py: its picture as the server wants it
    answers.py     what a server's answer means: a job, or which of our errors
    client.py      the HTTP code: calls, limits of size, redirects; retries.py, limits.py: how patient it is
    jobs.py        a batch of shots as jobs in flight; task.py: one of them
    film.py        the server's film, checked and brought to exactly what the shot asked for

The key lives in the environment and in one header: it is taken out of every text that a server sends back, and goes to
no other host. A field that only one server knows is an option (`extra`), not code. httpx is imported here only.
"""
