/** A hostile server: it speaks Mastodon's API well enough to be signed in with, and says anything. */
import http from "node:http";
import { listen } from "./workerd.js";

/** Its name. */
export const HOSTILE = "hostile.example";

/**
 * Starts the server.
 *
 * @returns {Promise<{ port: number, says: Record<string, unknown>, drips: boolean }>} where it
 *   listens; what it says of the account of whoever signs in, by the names of its API; and whether
 *   it sends its answers byte by byte, without an end
 */
export async function hostileServer() {
  const server = {
    port: 0,
    says: /** @type {Record<string, unknown>} */ ({}),
    drips: false,
  };
  /** @type {Record<string, (() => object) | undefined>} */
  const answers = {
    "/api/v1/instance": () => ({
      uri: HOSTILE,
      title: "<script>alert('title')</script>",
      version: "4.2.0",
    }),
    "/api/v1/apps": () => ({ client_id: "an-id", client_secret: "a-secret-of-the-app" }),
    "/api/v1/apps/verify_credentials": () => ({ name: "rotate-icon" }),
    "/oauth/token": () => ({
      access_token: "a-token-of-the-person",
      token_type: "Bearer",
      scope: "read:accounts write:accounts",
    }),
    "/api/v1/accounts/verify_credentials": () => server.says,
  };
  const answering = http.createServer((request, response) => {
    request.resume().on("end", () => {
      const { pathname } = new URL(request.url ?? "", `https://${HOSTILE}`);
      const answer = answers[pathname];
      response.writeHead(answer ? 200 : 404, { "content-type": "application/json" });
      if (server.drips) {
        const drip = setInterval(() => {
          if (server.drips) response.write(" ");
          else response.destroy();
        }, 200);
        response.on("close", () => clearInterval(drip));
        return;
      }
      response.end(answer ? JSON.stringify(answer()) : "{}");
    });
  });
  server.port = await listen(answering);
  return server;
}
