// An OpenID provider for tests, on a free port of this machine. Whoever signs in is who `login_as` of its query says.
//
// usage: node provider.mjs MODULES REDIRECT_URI
// prints the issuer when it listens, and ends when its input ends.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, redirectUri] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(createRequire(`${modules}/x.js`).resolve('oidc-provider')));

const PEOPLE = {
  ann: { email: 'Ann@Example.com', email_verified: true },
  unverified: { email: 'ann@example.com', email_verified: false },
  stranger: { email: 'stranger@example.com', email_verified: true },
};

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
let who = 'ann';

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'head-office',
      client_secret: 'a secret of the test',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  pkce: { required: () => true, methods: ['S256'] },
  cookies: { keys: ['a key of the test'] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...PEOPLE[sub] }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

server.on('request', async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname === '/as') {
    who = url.searchParams.get('who');
    response.end();
    return;
  }
  if (!url.pathname.startsWith('/interaction/')) {
    provider.callback()(request, response);
    return;
  }
  // Whoever comes here signs in and agrees at once.
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId: who } });
    return;
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope('openid email');
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
});

console.log(issuer);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
