/** Certificates for servers of the tests, made anew each time and trusted by nobody else. */
import { X509Certificate, createHash } from "node:crypto";
import { generate } from "selfsigned";

const DAY = 24 * 60 * 60_000;

/**
 * Certificates in PEM, and what trusts them.
 *
 * @typedef {object} Certificates
 * @property {string} authority the certificate of the authority
 * @property {string} certificate a server's, signed by the authority
 * @property {string} key the server's private key
 * @property {string} fingerprint SHA-256 of the server's public key in base64, as Chromium's flag
 *   `--ignore-certificate-errors-spki-list` takes it
 */

/**
 * Makes an authority and a server's certificate for names, good from yesterday until tomorrow.
 *
 * @param {string[]} names may begin with `*.`
 * @returns {Promise<Certificates>}
 */
export async function certificatesFor(names) {
  const common = /** @type {const} */ ({
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(Date.now() - DAY),
    notAfterDate: new Date(Date.now() + DAY),
  });
  const authority = await generate([{ name: "commonName", value: "The tests' own authority" }], {
    ...common,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: "commonName", value: names[0] }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: names.map((value) => ({ type: 2, value })) },
    ],
  });
  const { publicKey } = new X509Certificate(server.cert);
  const spki = publicKey.export({ type: "spki", format: "der" });
  return {
    authority: authority.cert,
    certificate: server.cert,
    key: server.private,
    fingerprint: createHash("sha256").update(spki).digest("base64"),
  };
}
