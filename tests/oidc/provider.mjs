// An issuer of OpenID Connect: oidc-provider, certified by the OpenID Foundation, with people that
// the test names. Prints its address once it listens. `POST /control` changes it.
import { randomUUID, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'

import Provider from 'oidc-provider'

const known = { redirects: ['http://127.0.0.1:8080/app/oidc/real/callback'], people: {}, method: 'client_secret_basic', algorithm: 'RS256' }
let provider, answer, keys

const kinds = { RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }], Ed25519: ['ed25519', {}] }

function rotate() {
  const [kind, options] = kinds[known.algorithm]
  const key = generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' })
  keys = [{ ...key, kid: randomUUID(), use: 'sig', alg: known.algorithm }]
}

function make() {
  provider = new Provider(`http://127.0.0.1:${server.address().port}`, {
    clients: [{
      client_id: 'reelgate',
      client_secret: 'a secret of a client, with +%&',
      redirect_uris: known.redirects,
      token_endpoint_auth_method: known.method,
      id_token_signed_response_alg: known.algorithm,
    }],
    jwks: { keys },
    cookies: { keys: ['of a test'] },
    claims: {
      openid: ['sub', 'groups'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'Ed25519'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    clientAuthMethods: [known.method],
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...known.people[id] }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client.clientId, accountId: oidc.session.accountId,
      })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
  })
  answer = provider.callback()
}

async function interact(request, response, who) {
  if (who === null) {
    response.setHeader('Content-Type', 'text/html')
    response.end('<form><label>Who <input name="who"></label> <button>Sign in</button></form>')
  } else if (who === '') {
    await provider.interactionFinished(request, response, { error: 'access_denied' })
  } else {
    await provider.interactionFinished(request, response, { login: { accountId: who } })
  }
}

async function control(request, response) {
  let body = ''
  for await (const chunk of request) body += chunk
  const { rotated, ...changes } = JSON.parse(body)
  Object.assign(known, changes)
  if (rotated) rotate()
  make()
  response.end()
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://issuer')
  if (url.pathname === '/control') await control(request, response)
  else if (url.pathname.startsWith('/interaction/'))
    await interact(request, response, url.searchParams.get('who'))
  else answer(request, response)
})
server.listen(0, '127.0.0.1', () => {
  rotate()
  make()
  console.log(`http://127.0.0.1:${server.address().port}`)
})
