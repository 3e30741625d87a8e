"""What the verifiers in Python share: HTTP around a function that verifies."""
import http.server
import os
import socketserver


def serve(verify):
    """Answers 204 where verify(token) returns, 401 where it raises."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            token = self.headers.get("Authorization", "").removeprefix(
                "Bearer ")
            try:
                verify(token)
                status = 204
            except Exception as error:  # whatever a library raises
                self.log_error("%s", repr(error))
                status = 401
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True

    Server(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
