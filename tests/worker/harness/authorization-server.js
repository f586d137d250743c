/**
 * Servers of the AT Protocol that can lie: what answers DNS queries, the directory of accounts, and
 * two servers that have accounts and sign them in. All of it is honest until a test sets a lie.
 */
import { createHash } from "node:crypto";
import http from "node:http";
import { after } from "node:test";
import { listen } from "./workerd.js";

/** The server on which lies are told. */
export const AUTH = "auth.example";

/** Another server, with people of its own. */
export const GOOD = "good.example";

/** People by their handles: their DIDs, and the servers that have their accounts. */
export const PEOPLE = {
  "ada.test": { did: `did:plc:${"a".repeat(24)}`, server: AUTH },
  "bob.test": { did: `did:plc:${"b".repeat(24)}`, server: GOOD },
};

/** The names under which the servers are asked. */
export const NAMES = ["dns.example", "plc.example", AUTH, GOOD];

/**
 * A request that came.
 *
 * @typedef {{ host: string, path: string, form: URLSearchParams, dpop: string }} Asked
 */

/** @typedef {{ status: number, json: any, headers: Record<string, string> }} Reply */

/**
 * What is answered in place of the truth: another reply, or nothing if the lie has answered itself.
 *
 * @typedef {(truth: Reply, asked: Asked, response: http.ServerResponse) => Partial<Reply> | void} Lie
 */

/** What an honest server says of itself. @param {string} issuer its address */
export function metadata(issuer) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    pushed_authorization_request_endpoint: `${issuer}/oauth/par`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    require_pushed_authorization_requests: true,
    response_types_supported: ["code"],
    grant_types_supported: ["authorization_code", "refresh_token"],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: ["ES256"],
    dpop_signing_alg_values_supported: ["ES256"],
    scopes_supported: ["atproto", "transition:generic"],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
  };
}

/** The document of an account. @param {string} handle @param {string} did @param {string} server */
const document = (handle, did, server) => ({
  id: did,
  alsoKnownAs: [`at://${handle}`],
  service: [
    {
      id: "#atproto_pds",
      type: "AtprotoPersonalDataServer",
      serviceEndpoint: `https://${server}`,
    },
  ],
});

/** Starts the servers. */
export async function authorizationServer() {
  /** Requests for authorization, by their references. @type {Map<string, URLSearchParams>} */
  const pushed = new Map();
  const server = {
    port: 0,
    /** What came, in order. @type {Asked[]} */
    asked: [],
    /** Lies by path, or by the name of a server. @type {Record<string, Lie>} */
    lies: {},
    /** Who signs in. */
    subject: PEOPLE["ada.test"].did,
    /** The request that a page of consent is opened with. @param {string} address */
    requestOf(address) {
      const form = pushed.get(new URL(address).searchParams.get("request_uri") ?? "");
      if (!form) throw new Error(`no request of ${address}`);
      return form;
    },
    /**
     * The address that the browser is sent back to, with what differs from the truth.
     *
     * @param {string} address the page of consent
     * @param {Record<string, string | undefined>} [changes]
     */
    allow(address, changes = {}) {
      const form = server.requestOf(address);
      const back = new URL(form.get("redirect_uri") ?? "");
      const { origin } = new URL(address);
      const truth = { iss: origin, state: form.get("state"), code: `code-${form.get("state")}` };
      for (const [name, value] of Object.entries({ ...truth, ...changes })) {
        if (typeof value === "string") back.searchParams.set(name, value);
      }
      return back.href;
    },
  };

  /** @param {Asked} asked @param {URL} url @returns {[number, any, Record<string, string>?]} */
  function truth({ host, path, form, dpop }, url) {
    const person = Object.entries(PEOPLE).find(([handle, { did }]) =>
      host === "dns.example"
        ? url.searchParams.get("name") === `_atproto.${handle}`
        : path === `/${did}`,
    );
    if (host === "dns.example") {
      const data = `"did=${person?.[1].did}"`;
      return [200, { Status: person ? 0 : 3, Answer: person ? [{ type: 16, data }] : [] }];
    }
    if (host === "plc.example") {
      if (!person) return [404, {}];
      const [handle, { did, server: at }] = person;
      return [200, document(handle, did, at)];
    }
    const origin = `https://${host}`;
    const nonce = { "dpop-nonce": "a-nonce" };
    if (path === "/.well-known/oauth-protected-resource")
      return [200, { resource: origin, authorization_servers: [origin] }];
    if (path === "/.well-known/oauth-authorization-server") return [200, metadata(origin)];
    if (path.startsWith("/oauth/") && !dpop) return [400, { error: "invalid_dpop_proof" }];
    if (path === "/oauth/par") {
      const request_uri = `urn:ietf:params:oauth:request_uri:${pushed.size}`;
      pushed.set(request_uri, form);
      return [201, { request_uri, expires_in: 300 }, nonce];
    }
    if (path === "/oauth/token") {
      const challenge = createHash("sha256").update(form.get("code_verifier") ?? "");
      const request = [...pushed.values()].find(
        (one) => `code-${one.get("state")}` === form.get("code"),
      );
      if (request?.get("code_challenge") !== challenge.digest("base64url"))
        return [400, { error: "invalid_grant" }, nonce];
      const tokens = { access_token: "an-access-token", refresh_token: "a-refresh-token" };
      const scope = request.get("scope");
      const rest = { token_type: "DPoP", expires_in: 1_800, sub: server.subject, scope };
      return [200, { ...tokens, ...rest }, nonce];
    }
    if (path === "/oauth/revoke") return [200, {}, nonce];
    if (path === "/xrpc/com.atproto.repo.getRecord")
      return [400, { error: "RecordNotFound", message: "Could not locate record" }];
    return [404, {}];
  }

  const answering = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const host = request.headers.host ?? "";
    const url = new URL(request.url ?? "", `https://${host}`);
    const asked = {
      host,
      path: url.pathname,
      form: new URLSearchParams(body),
      dpop: String(request.headers.dpop ?? ""),
    };
    server.asked.push(asked);
    const [status, json, headers = {}] = truth(asked, url);
    const lie = host === GOOD ? undefined : (server.lies[asked.path] ?? server.lies[host]);
    const honest = { status, json, headers };
    const said = lie ? lie(honest, asked, response) : honest;
    if (!said) return;
    const reply = { ...honest, ...said };
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    response.end(typeof reply.json === "string" ? reply.json : JSON.stringify(reply.json));
  });
  server.port = await listen(answering);
  after(() => {
    answering.closeAllConnections();
    answering.close();
  });
  return server;
}
