/** Replies that no HTTP server would send: bodies without end, and wrong sizes. */
import net from "node:net";
import { gzipSync } from "node:zlib";

const MB = 1_000_000;

/**
 * A server that answers by no rules: `reply` gets the connection once a request has begun to come.
 *
 * @param {(socket: import("node:net").Socket) => unknown} reply
 */
export const plainServer = (reply) =>
  net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.resume();
      reply(socket);
    });
  });

/**
 * Writes pieces without end, as fast as they are taken.
 *
 * @param {import("node:net").Socket} socket
 * @param {string | Buffer} piece
 */
export function endlessly(socket, piece) {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", more);
  more();
}

/** @param {Buffer} bytes */
export const chunk = (bytes) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
export const TEXT = Buffer.alloc(65_536, "x");
/** 64 MB of nothing, in few bytes: several of these in a row are one gzip file (RFC 1952 §2.2). */
const PACKED = gzipSync(Buffer.alloc(64 * MB));

/** Heads of replies whose bodies do not end, and what comes after them again and again. */
export const ENDLESS = {
  "a length of 5 beside chunks": ["content-length: 5\r\ntransfer-encoding: chunked", chunk(TEXT)],
  "chunks beside a length of 5": ["transfer-encoding: chunked\r\ncontent-length: 5", chunk(TEXT)],
  "chunks alone": ["transfer-encoding: chunked", chunk(TEXT)],
  "no length at all": ["connection: close", TEXT],
  "a length of 10 GB": ["content-length: 10000000000", TEXT],
  "packed chunks and a small length": [
    "content-encoding: gzip\r\ncontent-length: 5\r\ntransfer-encoding: chunked",
    chunk(PACKED),
  ],
  "packed chunks": ["content-encoding: gzip\r\ntransfer-encoding: chunked", chunk(PACKED)],
};

/** Replies that are none. */
export const BROKEN = {
  "a negative length": "content-length: -5\r\n\r\nhello",
  "a length that is no number": "content-length: five\r\n\r\nhello",
  "a length beyond all numbers": "content-length: 99999999999999999999999\r\n\r\nhello",
  "two lengths": "content-length: 5\r\ncontent-length: 50000000\r\n\r\nhello",
  "a length larger than the body": "content-length: 50\r\n\r\nhello",
  "a chunk of a negative size": "transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
  "a chunk beyond all sizes": "transfer-encoding: chunked\r\n\r\nffffffffffffffffffff\r\nhello",
  "no gzip where it says so": "content-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
};
