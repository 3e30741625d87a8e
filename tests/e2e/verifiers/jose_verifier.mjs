import http from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const keys = createRemoteJWKSet(new URL(process.env.JWKS),
                                { cacheMaxAge: process.env.CACHE * 1000 });
http.createServer(async (request, response) => {
  const token = (request.headers.authorization || '').replace(/^Bearer /, '');
  try {
    await jwtVerify(token, keys, { issuer: process.env.ISSUER,
                                   audience: process.env.AUDIENCE,
                                   algorithms: ['ES256'] });
    response.writeHead(204).end();
  } catch (error) {
    console.error(String(error));
    response.writeHead(401).end();
  }
}).listen(Number(process.env.PORT), '127.0.0.1');
