/** Local servers. */

/**
 * Has a server listen on the loopback interface, and returns the port.
 *
 * @param {import("node:net").Server} server
 * @param {number} port 0: any free one
 * @returns {Promise<number>}
 */
export function listen(server, port = 0) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve(portOf(server));
    });
  });
}

/**
 * Returns the port that a server listens on.
 *
 * @param {import("node:net").Server} server
 */
export function portOf(server) {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  return address.port;
}
