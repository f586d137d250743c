/**
 * A small confidential client of OAuth on the AT Protocol, which shows that the network of the tests
 * works. It checks nothing that it is told: the client that is tested is the Worker.
 */
import { createHash, randomUUID, webcrypto } from "node:crypto";

/** @typedef {{ keys: CryptoKeyPair, jwk: JsonWebKey & { kid?: string } }} SigningKey */

/** @param {unknown} value */
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** @returns {Promise<SigningKey>} a new key for ES256 */
async function newKey() {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const { kty, crv, x, y } = await webcrypto.subtle.exportKey("jwk", keys.publicKey);
  return { keys, jwk: { kty, crv, x, y } };
}

/**
 * @param {SigningKey} key
 * @param {object} header
 * @param {object} claims
 */
async function jwt({ keys }, header, claims) {
  const iat = Math.floor(Date.now() / 1000) - 5;
  const text = [
    { alg: "ES256", ...header },
    { iat, jti: randomUUID(), ...claims },
  ]
    .map(base64url)
    .join(".");
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signature = await webcrypto.subtle.sign(algorithm, keys.privateKey, Buffer.from(text));
  return `${text}.${Buffer.from(signature).toString("base64url")}`;
}

export class OAuthClient {
  #key;
  #dpop;
  #nonce;
  #verifier = "";
  /** The session, once there is one. */
  tokens;

  /**
   * @param {string} origin the client's
   * @param {string} issuer the authorization server's
   * @param {import("./network.js").Network} network
   */
  constructor(origin, issuer, network) {
    this.origin = origin;
    this.issuer = issuer;
    this.network = network;
    this.clientId = `${origin}/client-metadata.json`;
    this.redirectUri = `${origin}/callback`;
    this.scope =
      "atproto repo:app.bsky.actor.profile?action=create&action=update " +
      "repo:app.rotate-icon.frames blob:image/*";
  }

  /** Makes its keys, and answers for its name. */
  async start() {
    [this.#key, this.#dpop] = await Promise.all([newKey(), newKey()]);
    this.#key.jwk.kid = randomUUID();
    this.network.serve(new URL(this.origin).host, (request, response) => {
      const { pathname } = new URL(request.url, this.origin);
      const documents = { "/client-metadata.json": this.metadata, "/jwks.json": this.jwks };
      const json = documents[pathname];
      const type = json ? "application/json" : "text/html";
      response.writeHead(200, { "content-type": type });
      response.end(json ? JSON.stringify(json) : "<h1>The client</h1>");
    });
  }

  /** The document at the client's id. */
  get metadata() {
    return {
      client_id: this.clientId,
      client_name: "The tests' own client",
      application_type: "web",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: this.scope,
      redirect_uris: [this.redirectUri],
      dpop_bound_access_tokens: true,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks_uri: `${this.origin}/jwks.json`,
    };
  }

  get jwks() {
    return { keys: [{ ...this.#key.jwk, alg: "ES256", use: "sig" }] };
  }

  /**
   * Sends a form to the authorization server.
   *
   * @param {string} path
   * @param {Record<string, string>} form
   */
  async post(path, form) {
    const kid = this.#key.jwk.kid;
    const claims = { iss: this.clientId, sub: this.clientId, aud: this.issuer };
    const body = new URLSearchParams({
      client_id: this.clientId,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: await jwt(this.#key, { kid }, claims),
      ...form,
    }).toString();
    const type = "application/x-www-form-urlencoded";
    return this.#send("POST", `${this.issuer}${path}`, { "content-type": type }, body);
  }

  /**
   * Calls an XRPC endpoint with the session.
   *
   * @param {string} name
   * @param {object} body
   */
  procedure(name, body) {
    const headers = {
      "content-type": "application/json",
      authorization: `DPoP ${this.tokens.access_token}`,
    };
    return this.#send("POST", `${this.issuer}/xrpc/${name}`, headers, JSON.stringify(body));
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {Record<string, string>} headers
   * @param {string} body
   * @returns {Promise<{ status: number, json: any }>}
   */
  async #send(method, url, headers, body, retried = false) {
    const { authorization } = headers;
    const token = authorization?.replace("DPoP ", "");
    const ath = token && createHash("sha256").update(token).digest("base64url");
    const dpop = await jwt(
      this.#dpop,
      { typ: "dpop+jwt", jwk: this.#dpop.jwk },
      { htm: method, htu: url, nonce: this.#nonce, ath },
    );
    const answer = await this.network.request(url, {
      method,
      headers: { ...headers, dpop },
      body,
    });
    this.#nonce = answer.headers["dpop-nonce"] ?? this.#nonce;
    const json = JSON.parse(answer.text);
    if (json.error === "use_dpop_nonce" && !retried) {
      return this.#send(method, url, headers, body, true);
    }
    return { status: answer.status, json };
  }

  /**
   * Pushes an authorization request, and returns the address of the server's page.
   *
   * @param {string} state
   * @param {Record<string, string>} [more] parameters
   */
  async authorize(state, more = {}) {
    this.#verifier = `${randomUUID()}${randomUUID()}`;
    const { status, json } = await this.post("/oauth/par", {
      response_type: "code",
      redirect_uri: this.redirectUri,
      scope: this.scope,
      state,
      code_challenge: createHash("sha256").update(this.#verifier).digest("base64url"),
      code_challenge_method: "S256",
      ...more,
    });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(json)}`);
    const query = new URLSearchParams({
      client_id: this.clientId,
      request_uri: json.request_uri,
    });
    return `${this.issuer}/oauth/authorize?${query}`;
  }

  /** Exchanges a code for a session. @param {string} code */
  async exchange(code) {
    const answer = await this.post("/oauth/token", {
      grant_type: "authorization_code",
      redirect_uri: this.redirectUri,
      code,
      code_verifier: this.#verifier,
    });
    if (answer.status === 200) this.tokens = answer.json;
    return answer;
  }

  /** Refreshes the session. @param {string} token */
  async refresh(token = this.tokens.refresh_token) {
    const answer = await this.post("/oauth/token", {
      grant_type: "refresh_token",
      refresh_token: token,
    });
    if (answer.status === 200) this.tokens = answer.json;
    return answer;
  }
}
