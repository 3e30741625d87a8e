const http = require('node:http');
const jwksClient = require('jwks-rsa');
const jwt = require('jsonwebtoken');

const client = jwksClient({ jwksUri: process.env.JWKS, cache: true,
                            cacheMaxAge: process.env.CACHE * 1000 });
const find = (header, done) => client.getSigningKey(
    header.kid, (error, key) => done(error, key && key.getPublicKey()));
http.createServer((request, response) => {
  const token = (request.headers.authorization || '').replace(/^Bearer /, '');
  jwt.verify(token, find, { issuer: process.env.ISSUER,
                            audience: process.env.AUDIENCE,
                            algorithms: ['ES256'] }, (error) => {
    if (error) console.error(String(error));
    response.writeHead(error ? 401 : 204).end();
  });
}).listen(Number(process.env.PORT), '127.0.0.1');
