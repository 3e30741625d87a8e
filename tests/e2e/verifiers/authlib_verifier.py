import json
import os
import urllib.request

from authlib.jose import JsonWebKey, JsonWebToken

from answers import serve

jwt = JsonWebToken(["ES256"])
keys = None


def load(anew):
    global keys
    if keys is None or anew:
        with urllib.request.urlopen(os.environ["JWKS"], timeout=5) as answer:
            keys = JsonWebKey.import_key_set(json.load(answer))
    return keys


def find(header, payload):
    try:
        return load(anew=False).find_by_kid(header["kid"])
    except ValueError:  # as Authlib's own clients do
        return load(anew=True).find_by_kid(header["kid"])


def verify(token):
    claims = jwt.decode(token, find, claims_options={
        "iss": {"essential": True, "value": os.environ["ISSUER"]},
        "aud": {"essential": True, "value": os.environ["AUDIENCE"]}})
    claims.validate()


serve(verify)
