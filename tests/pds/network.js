/**
 * Servers with public names on this machine alone, over HTTPS and the default port as they are
 * deployed. One TLS server has all the names and passes requests on, as a reverse proxy does.
 *
 * OAuth on the AT Protocol needs this: the official server accepts no confidential client on
 * loopback, nor under `.test` or `.example`, and calls itself by `http:` where it is `localhost`.
 * `example.com` belongs to nobody who answers (RFC 2606), and no request here reaches DNS.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { listen } from "../../scripts/lib/listen.js";
import { certificatesFor } from "./certificates.js";

/** What all names here end in. */
export const DOMAIN = "rotate.example.com";

/** The name of the service, that of the directory of accounts, and that of the DNS resolver. */
export const APP = `app.${DOMAIN}`;
export const DIRECTORY = `plc.${DOMAIN}`;
export const DNS = `dns.${DOMAIN}`;

/** The names of two servers of accounts. Handles on them are names one label longer. */
export const PDS = `pds.${DOMAIN}`;
export const OTHER_PDS = `other.${DOMAIN}`;

/** Headers that concern one connection alone (RFC 9110 §7.6.1). */
const HOP_BY_HOP = ["connection", "keep-alive", "transfer-encoding", "upgrade"];

/**
 * Who answers for a name: a function, or a local server. A server that `renames` is asked by its own
 * address: wrangler's puts the public one into what the Worker receives, and its own one into the
 * headers that it answers.
 *
 * @typedef {http.RequestListener | { url: string, renames?: boolean }} Target
 */

/**
 * A request that came.
 *
 * @typedef {object} Seen
 * @property {string} host
 * @property {string} method
 * @property {string} path without the query
 * @property {number | undefined} status undefined: no answer, or none yet
 */

/**
 * What happens to requests in place of an answer.
 *
 * - `refuse`: the connection ends before anything is passed on, as if the server was down
 * - `lose`: the server does what it is asked for, and its answer is lost on the way. A refusal, as
 *   of a proof without a nonce, comes through and is not counted
 * - `fail`: the server in front answers with 502
 * - a promise: the request is passed on when it has resolved
 *
 * @typedef {"refuse" | "lose" | "fail" | Promise<unknown>} Fault
 */

/**
 * @typedef {object} Rule
 * @property {string} host
 * @property {string | RegExp} [path] default: any
 * @property {Fault} how
 * @property {number} [times] how many requests; default: all
 */

/** @typedef {Rule & { times: number, hits: number }} Broken its `hits` are the requests that it met */

export class Network {
  #folder = mkdtempSync(path.join(tmpdir(), "rotate-icon-network-"));
  #server;
  // A kept connection may end just as a request goes out on it.
  #agent = new http.Agent({ keepAlive: false });
  #certificates;
  /** @type {Map<string, Target>} */
  #targets = new Map();
  /** @type {Set<Broken>} */
  #broken = new Set();

  /** The port of the TLS server on the loopback interface. */
  port = 0;

  /** The requests so far. @type {Seen[]} */
  requests = [];

  /** The tokens that servers have given to clients of OAuth. @type {string[]} */
  tokens = [];

  /** @param {import("./certificates.js").Certificates} certificates */
  constructor(certificates) {
    this.#certificates = certificates;
    const { certificate: cert, key } = certificates;
    this.#server = https.createServer({ cert, key }, (request, response) =>
      this.#receive(request, response),
    );
    writeFileSync(this.authorityFile, certificates.authority);
  }

  static async start() {
    const names = [DOMAIN, PDS, OTHER_PDS].map((name) => `*.${name}`);
    const network = new Network(await certificatesFor(names));
    network.port = await listen(network.#server);
    return network;
  }

  /** The file with the certificate of the authority. */
  get authorityFile() {
    return path.join(this.#folder, "authority.pem");
  }

  /** The certificate of the authority, in PEM. */
  get authority() {
    return this.#certificates.authority;
  }

  /** The variables with which `server.js` finds the names here. */
  get env() {
    return {
      NETWORK_DOMAIN: DOMAIN,
      NETWORK_PORT: String(this.port),
      NODE_EXTRA_CA_CERTS: this.authorityFile,
    };
  }

  /** The flags with which Chromium finds the names here, and trusts the certificate. */
  get flags() {
    return [
      `--host-resolver-rules=MAP *.${DOMAIN} 127.0.0.1:${this.port}`,
      `--ignore-certificate-errors-spki-list=${this.#certificates.fingerprint}`,
    ];
  }

  /**
   * What a Worker's requests go to, as Miniflare's `outboundService`. TLS is the runtime's affair
   * there, and left out.
   */
  get outbound() {
    return {
      /**
       * @param {http.IncomingMessage} request
       * @param {http.ServerResponse} response
       */
      node: (request, response) => this.#receive(request, response),
    };
  }

  /**
   * Has a name lead to a server.
   *
   * @param {string} name or `*.` and a name, for those without a server of their own
   * @param {Target} target
   */
  serve(name, target) {
    this.#targets.set(name, target);
  }

  /**
   * Breaks requests from now on. The newest rule that fits goes first. Returns the rule, whose
   * `hits` counts the requests that it has met.
   *
   * @param {Rule} rule
   * @returns {Broken}
   */
  break(rule) {
    const broken = { times: Number.POSITIVE_INFINITY, hits: 0, ...rule };
    this.#broken = new Set([broken, ...this.#broken]);
    return broken;
  }

  /** Has everything work again. */
  mend() {
    this.#broken.clear();
  }

  /** The rule that a request meets. @param {Seen} seen @returns {Broken | undefined} */
  #ruleOf({ host, path }) {
    for (const broken of this.#broken) {
      const fits =
        broken.path === undefined ||
        (typeof broken.path === "string" ? broken.path === path : broken.path.test(path));
      if (broken.host === host && fits && broken.hits < broken.times) return broken;
    }
    return undefined;
  }

  /**
   * @param {http.IncomingMessage} request
   * @param {http.ServerResponse} response
   */
  #receive(request, response) {
    return this.#answer(request, response).catch(() => response.destroy());
  }

  /**
   * @param {http.IncomingMessage} request
   * @param {http.ServerResponse} response
   */
  async #answer(request, response) {
    const host = request.headers.host ?? "";
    const { pathname } = new URL(request.url ?? "", `https://${host}`);
    /** @type {Seen} */
    const seen = { host, method: request.method ?? "", path: pathname, status: undefined };
    this.requests.push(seen);
    const rule = this.#ruleOf(seen);
    const fault = rule?.how;
    if (rule) rule.hits += 1;
    if (fault === "refuse") return void response.destroy();
    if (fault === "fail") {
      seen.status = 502;
      return void response.writeHead(502).end("Bad gateway");
    }
    if (fault instanceof Promise) await fault;
    const target = this.#targets.get(host) ?? this.#targets.get(host.replace(/^[^.]+/, "*"));
    response.once("finish", () => {
      seen.status = response.statusCode;
    });
    // As where a name leads nowhere.
    if (target === undefined) return void response.destroy();
    if (typeof target === "function") return void target(request, response);
    const answer = await this.#pass(request, target, host);
    if (rule && fault === "lose") {
      if (answer.statusCode === 200)
        return void answer.resume().on("end", () => response.destroy());
      rule.hits -= 1;
    }
    let headers = { ...answer.headers };
    for (const name of HOP_BY_HOP) delete headers[name];
    if (target.renames) {
      const text = JSON.stringify(headers);
      headers = JSON.parse(text.replaceAll(new URL(target.url).origin, `https://${host}`));
    }
    if (pathname === "/oauth/token") this.#learn(answer);
    response.writeHead(answer.statusCode ?? 502, headers);
    answer.pipe(response);
  }

  /**
   * Learns the tokens of an answer.
   *
   * @param {http.IncomingMessage} answer
   */
  #learn(answer) {
    /** @type {Buffer[]} */
    const parts = [];
    answer.on("data", (part) => parts.push(part));
    answer.on("end", () => {
      if (answer.statusCode !== 200) return;
      const { access_token, refresh_token } = JSON.parse(String(Buffer.concat(parts)));
      this.tokens.push(access_token, refresh_token);
    });
  }

  /**
   * @param {http.IncomingMessage} request
   * @param {{ url: string, renames?: boolean }} target
   * @param {string} host
   * @returns {Promise<http.IncomingMessage>}
   */
  #pass(request, target, host) {
    const { hostname, port, host: own } = new URL(target.url);
    const forwarded = {
      host: target.renames ? own : host,
      "x-forwarded-for": request.socket.remoteAddress,
      "x-forwarded-host": host,
      "x-forwarded-proto": "https",
    };
    return new Promise((resolve, reject) => {
      const passed = http.request(
        {
          agent: this.#agent,
          hostname,
          port,
          method: request.method,
          path: request.url,
          headers: { ...request.headers, ...forwarded },
        },
        resolve,
      );
      passed.on("error", reject);
      request.pipe(passed);
    });
  }

  /**
   * Sends a request of this process, as one from elsewhere.
   *
   * @param {string} url
   * @param {{ method?: string, headers?: Record<string, string>, body?: string }} [init]
   * @returns {Promise<{ status: number, headers: http.IncomingHttpHeaders, text: string }>}
   */
  request(url, { method = "GET", headers, body } = {}) {
    const { host, pathname, search } = new URL(url);
    return new Promise((resolve, reject) => {
      const request = https.request(
        {
          host: "127.0.0.1",
          port: this.port,
          servername: host,
          ca: this.authority,
          method,
          path: pathname + search,
          headers: { host, ...headers },
        },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (part) => {
            text += part;
          });
          answer.on("error", reject).on("end", () => {
            resolve({ status: answer.statusCode, headers: answer.headers, text });
          });
        },
      );
      request.on("error", reject).end(body);
    });
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
