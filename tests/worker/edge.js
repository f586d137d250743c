/**
 * What tests share that run the built Worker in workerd alone, with servers of their own for all that
 * it asks.
 */
import { after } from "node:test";

/** The Worker's `TRIGGER_TOKEN`. */
export const TOKEN = "local-trigger-token";

export const HOUR_MS = 3_600_000;

/** The script of the Worker in front of the built one: it passes on requests, and `/scheduled?at=…` as the cron's event. */
export const driver = `export default {
  async fetch(request, env) {
    const { pathname, search, searchParams } = new URL(request.url);
    if (pathname !== "/scheduled") return env.edge.fetch(new Request("http://worker" + pathname + search, request));
    const scheduledTime = new Date(Number(searchParams.get("at")));
    return new Response((await env.edge.scheduled({ cron: "0 * * * *", scheduledTime })).outcome);
  },
};`;

const servers = [];
after(() => {
  for (const server of servers) server.close();
});

/** Has a server listen until the tests of the file are over; gives its port. */
export async function listen(server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return server.address().port;
}
