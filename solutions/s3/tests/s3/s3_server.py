"""An S3 server on a free port of this machine, for as long as standard input is open.

Says its port on standard output when it answers. Whoever starts it keeps the other end of its standard input: when that
process ends, however it ends, the pipe closes and the server ends too.

One request at a time is carried out. moto looks whether an object is there and stores another in two steps, so that of two
large objects put at once, both under the condition that there is none, both may be stored. S3 stores one.
"""

import io
import logging
import os
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.server import MotoRequestHandler
from werkzeug.serving import make_server

moto = DomainDispatcherApplication(create_backend_app)
one_at_a_time = threading.Lock()


def application(environ, start_response):
    # The body is received before, or a slow client would hold up all others.
    length = int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
    with one_at_a_time:
        return list(moto(environ, start_response))


logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
os._exit(0)
