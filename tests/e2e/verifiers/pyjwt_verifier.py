import os

import jwt

from answers import serve

client = jwt.PyJWKClient(os.environ["JWKS"],
                         lifespan=int(os.environ["CACHE"]))


def verify(token):
    key = client.get_signing_key_from_jwt(token)
    jwt.decode(token, key.key, algorithms=["ES256"],
               audience=os.environ["AUDIENCE"], issuer=os.environ["ISSUER"])


serve(verify)
