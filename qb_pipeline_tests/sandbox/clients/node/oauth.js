// Intuit's own OAuth client for JavaScript: consent, tokens, calls, identity, revocation.
'use strict'

const assert = require('assert').strict
const path = require('path')
const OAuthClient = require(path.join(process.env.CLIENTS_HOME, 'node_modules', 'intuit-oauth'))
const base = process.env.SANDBOX_URL
const callback = 'http://app.test/callback'

OAuthClient.authorizeEndpoint = process.env.AUTHORIZE_URL
OAuthClient.tokenEndpoint = process.env.TOKEN_URL
OAuthClient.revokeEndpoint = process.env.REVOKE_URL
OAuthClient.userinfo_endpoint_sandbox = process.env.USER_INFO_URL
OAuthClient.jwks_uri = process.env.JWKS_URL
OAuthClient.environment.sandbox = `${base}/`

const client = (more = {}) => new OAuthClient({
  clientId: process.env.CLIENT_ID, clientSecret: process.env.CLIENT_SECRET, environment: 'sandbox',
  redirectUri: callback, ...more,
})

describe('Identity', function () {
  this.timeout(10000)
  const app = client()

  it('consent leads back with a code that becomes tokens', async () => {
    const scope = [OAuthClient.scopes.Accounting, OAuthClient.scopes.OpenId, OAuthClient.scopes.Email]
    const asked = app.authorizeUri({ scope, state: 'kept' }) + '&sandbox_consent=auto'
    const answer = await fetch(asked, { redirect: 'manual' })
    const back = new URL(answer.headers.get('location'))
    assert.equal(back.searchParams.get('state'), 'kept')
    const { json } = await app.createToken(back.href)
    assert.equal(json.token_type, 'bearer')
    assert.equal(app.getToken().realmId, process.env.COMPANY_ID)
    assert.ok(app.isAccessTokenValid())
  })

  it('the id token is verified against the keys', async () => {
    assert.equal(await app.validateIdToken(), true)
  })

  it('calls carry the token, and answers their trace', async () => {
    const answer = await app.makeApiCall({ url: `/v3/company/${app.getToken().realmId}/query?query=select * from Term` })
    assert.ok(answer.json.QueryResponse.Term.length >= 5)
    assert.match(answer.headers.intuit_tid, /^1-/)
  })

  it('a fault is told with its code and its trace', async () => {
    const url = `/v3/company/${app.getToken().realmId}/customer`
    const body = { DisplayName: 'Grady Orchard' }
    const error = await app.makeApiCall({ url, method: 'POST', body }).then(() => assert.fail('not refused'), (e) => e)
    assert.equal(error.code, '6240')
    assert.match(error.intuitTid, /^1-/)
  })

  it('the person behind the token is told', async () => {
    const { json } = await app.getUserInfo()
    assert.ok(json.email && json.sub)
  })

  it('a refreshed token works and tells both lifetimes', async () => {
    const { json } = await app.refresh()
    assert.equal(json.expires_in, 3600)
    assert.ok(json.x_refresh_token_expires_in > 8000000)
    assert.ok((await app.refreshUsingToken(json.refresh_token)).json.access_token)
  })

  it('the hard expiry comes where it is asked for', async () => {
    const asking = client({ includeRefreshTokenHardExpiresIn: true })
    const { json } = await asking.refreshUsingToken(process.env.REFRESH_TOKEN)
    assert.ok(json.x_refresh_token_hard_expires_in > 100000000)
  })

  it('a revoked token is over', async () => {
    const token = app.getToken().refresh_token
    await app.revoke()
    const error = await client().refreshUsingToken(token).then(() => assert.fail('not refused'), (e) => e)
    assert.equal(error.error, 'invalid_grant')
  })
})
