"""The gRPC door, spoken to by Python's own client and messages of the protos."""
import importlib
import os
import pathlib
import subprocess
import sys
import tempfile

# Programs are started while calls are open; they inherit none of them.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
import grpc  # noqa: E402

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
_generated = None  # held until the process ends
_held = None  # likewise


def messages(name):
    """The messages of proto/warder/v1/NAME.proto."""
    global _generated
    if _generated is None:
        _generated = tempfile.TemporaryDirectory(prefix="warder-proto-")
        subprocess.run(
            ["protoc", f"--proto_path={PROTO}",
             f"--python_out={_generated.name}",
             *map(str, sorted((PROTO / "warder/v1").glob("*.proto")))],
            check=True)
        sys.path.append(_generated.name)
    return importlib.import_module(f"warder.v1.{name}_pb2")


def channel(warderd, who):
    """A connection as `who`, of Warderd.clients."""
    global _held
    if _held is None:
        # gRPC 1.51 ends its threads with the last channel, and aborts where that
        # happens on one of them: there is always one more.
        _held = grpc.insecure_channel("localhost:1")
    base = warderd.clients[who][:-len(".yaml")]

    def read(path):
        with open(path, "rb") as file:
            return file.read()
    return grpc.secure_channel(
        f"localhost:{warderd.grpc}", grpc.ssl_channel_credentials(
            read(os.path.join(warderd.data, "authority.pem")),
            read(base + "-key.pem"), read(base + ".pem")))


def method(chan, file, name, streams=False):
    """`name`: "TokenService/SignJwt", of proto/warder/v1/FILE.proto."""
    service, call = name.split("/")
    described = messages(file).DESCRIPTOR.services_by_name[
        service].methods_by_name[call]

    def classes(descriptor):
        module = messages(pathlib.PurePath(descriptor.file.name).stem)
        return getattr(module, descriptor.name)
    make = chan.stream_stream if streams else chan.unary_unary
    return make(f"/warder.v1.{name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=classes(described.output_type).FromString)
