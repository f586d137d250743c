/** The webhook at which an owner receives alerts. */
import { randomUUID } from "node:crypto";
import { after } from "node:test";
import { createServer } from "node:http";
import { listen } from "../../../scripts/lib/listen.js";
import { record } from "./leaks.js";

/**
 * Starts a webhook that runs until the last test of the file. Returns its URL, and in `news` the
 * texts that it has received; tests remove what they have read.
 */
export async function useWebhook() {
  /** @type {string[]} */
  const news = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      record("the webhook", body);
      news.push(JSON.parse(body).text);
      response.writeHead(204).end();
    });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${await listen(server)}/hook-${randomUUID()}`, news };
}
