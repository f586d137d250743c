/** For tests that run the built Worker in workerd alone, with servers of their own around it. */
import { after } from "node:test";
import * as local from "../../../scripts/lib/listen.js";

/** The Worker's `TRIGGER_TOKEN`. */
export const TOKEN = "local-trigger-token";

/**
 * The script of a Worker in front of the built one, which passes requests on and fires the Cron
 * Trigger for `/scheduled?at=…`.
 */
export const driver = `export default {
  async fetch(request, env) {
    const { pathname, search, searchParams } = new URL(request.url);
    if (pathname !== "/scheduled") return env.edge.fetch(new Request("http://worker" + pathname + search, request));
    const scheduledTime = new Date(Number(searchParams.get("at")));
    return new Response((await env.edge.scheduled({ cron: "0 * * * *", scheduledTime })).outcome);
  },
};`;

/** @type {import("node:net").Server[]} */
const servers = [];
after(() => {
  for (const server of servers) server.close();
});

/**
 * Has a server listen until the last test of the file, and returns its port.
 *
 * @param {import("node:net").Server} server
 */
export function listen(server) {
  servers.push(server);
  return local.listen(server);
}
