/**
 * Tests that no secret and no signature shows in any answer or line of the log, over all kinds of
 * requests and turns.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import test, { after } from "node:test";
import { forms } from "./harness/leaks.js";
import { ACCOUNT_SECRETS, SECRETS } from "./harness/secrets.js";
import { useStage } from "./harness/stage.js";
import { listen, portOf } from "../../scripts/lib/listen.js";

/** The Authorization headers that were sent to X. */
const authorizations = [];
/** The body with which X refuses, if it is to refuse. */
let repeated;

/** Passes on to the stand-in what is sent, as it is, and keeps how it was signed. */
const recorder = createServer((request, response) => {
  authorizations.push(request.headers.authorization);
  const { method, url, headers } = request;
  if (repeated !== undefined) {
    request
      .resume()
      .on("end", () =>
        response.writeHead(403, { "content-type": "application/json" }).end(repeated),
      );
    return;
  }
  const onward = httpRequest(stage.simulator.url + url, { method, headers }, (reply) => {
    response.writeHead(reply.statusCode, reply.headers);
    reply.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
});
await listen(recorder);
after(() => {
  recorder.closeAllConnections();
  recorder.close();
});

// What is signed names the recorder, so the stand-in has to answer to its name.
const stage = useStage({ simulate: ["--allow-host", `127.0.0.1:${portOf(recorder)}`] });

const seen = [];

/**
 * Keeps all of an answer.
 *
 * @param {string} what
 * @param {Response} response
 */
async function keep(what, response) {
  const text = await response.text();
  seen.push({ what, text: JSON.stringify([response.status, ...response.headers]) + text });
  return text;
}

/** @param {string} what */
async function keepLog(what) {
  for (const { level, message } of await stage.worker.logs())
    seen.push({ what: `the log of ${what}`, text: `${level} ${message}` });
}

/**
 * All kinds of requests, each with the answer kept.
 *
 * @param {string} settings
 */
async function askEverything(settings) {
  const { worker } = stage;
  // So that the turns are made, whatever was before.
  await worker.forget();
  const token = SECRETS.TRIGGER_TOKEN;
  for (const query of [
    "?frame=3",
    "?frame=3&dry_run=true",
    "?frame=99",
    "?frame=x",
    "?nonsense",
    `?frame=${encodeURIComponent(token)}`,
  ]) {
    await keep(`POST /turn${query}, ${settings}`, await worker.turn(query));
  }
  for (const authorization of [
    undefined,
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${encodeURIComponent(SECRETS.API_KEY_SECRET)}`,
  ]) {
    const headers = authorization === undefined ? {} : { authorization };
    await keep(
      `POST /turn with other authorization, ${settings}`,
      await worker.fetch("/turn", { method: "POST", headers }),
    );
  }
  await keep(`POST /turn with a body, ${settings}`, await worker.turn("", { body: token }));
  for (const authorization of [`Bearer ${token}`, `Bearer ${token}x`]) {
    for (const query of [
      "",
      ...["kernel", "crop", "background", "quality", token].map(
        (name) => `?${encodeURIComponent(name)}=${encodeURIComponent(token)}`,
      ),
    ]) {
      const body = `\xff\xd8\xff${SECRETS.API_KEY_SECRET}`;
      await keep(
        `PUT /icon${query}, ${settings}`,
        await worker.putIcon(body, query, { headers: { authorization } }),
      );
      await keep(
        `PUT /icon${query} of a broken JPEG, ${settings}`,
        await worker.putIcon(Buffer.from(body, "latin1"), query, { headers: { authorization } }),
      );
    }
  }
  for (const where of [
    "/health",
    "/health?x",
    "/frames/3",
    "/frames/99",
    "/frames/x",
    "/",
    "/?x",
    "/journal",
    `/journal?before=${encodeURIComponent(token)}`,
    `/${encodeURIComponent(token)}`,
    "/turn",
  ]) {
    await keep(
      `GET ${where}, ${settings}`,
      await worker.fetch(where, { headers: { authorization: `Bearer ${token}` } }),
    );
  }
  await keepLog(`the requests, ${settings}`);
  await worker.cron("2031-06-15T00:00:00Z");
  await keepLog(`the cron, ${settings}`);
  await keep(`the journal, ${settings}`, await worker.journal());
  await keep(`the page, ${settings}`, await worker.fetch("/"));
}

test("no secret and no signature occurs in any answer or line of the log", async () => {
  const API_BASE_URL = `http://127.0.0.1:${portOf(recorder)}`;

  for (const X_BODY of ["multipart", "form"]) {
    await stage.worker.configure({ vars: { API_BASE_URL, X_BODY } });
    await askEverything(X_BODY);
  }
  const accepted = (await stage.simulator.received()).filter(
    ({ verdict, picture }) => verdict === "accepted" && picture !== null,
  );
  assert.equal(accepted.length, 4, "two turns by hand and two by cron, each signed right");

  await stage.worker.configure({ vars: { API_BASE_URL } });
  for (const { name } of await stage.simulator.knownFaults()) {
    // These take long, and what is said then is what is said of a broken connection.
    if (["hang", "slow", "cut-off"].includes(name)) continue;
    await stage.worker.forget();
    await stage.simulator.fail(name);
    await keep(`POST /turn with the fault ${name}`, await stage.worker.turn("?frame=3"));
    await keep(`the journal with the fault ${name}`, await stage.worker.journal());
    await keep(`the page with the fault ${name}`, await stage.worker.fetch("/"));
  }

  // Nobody listens: the connection itself fails.
  await stage.worker.configure({ vars: { API_BASE_URL: "http://127.0.0.1:9" } });
  await keep("POST /turn with nobody at X", await stage.worker.turn("?frame=3"));

  // X knows other keys: it says that the signature is wrong.
  for (const name of ACCOUNT_SECRETS) {
    await stage.worker.forget();
    await stage.worker.configure({
      vars: { API_BASE_URL },
      secrets: { [name]: `${SECRETS[name]}x` },
    });
    await keep(`POST /turn with another ${name}`, await stage.worker.turn("?frame=3"));
  }

  // Secrets in the wrong places.
  const [one, two, three, four] = ACCOUNT_SECRETS.map((name) => SECRETS[name]);
  for (const vars of [
    { TIME_ZONE: one, PERIOD: two, DIRECTION: three, X_BODY: four },
    { API_BASE_URL: `https://${encodeURIComponent(two)}@127.0.0.1` },
    { API_BASE_URL: two },
  ]) {
    await stage.worker.configure({ vars });
    await askEverything(`secrets in ${Object.keys(vars)}`);
  }
  await stage.worker.configure({ secrets: { API_KEY: null } });
  await askEverything("without API_KEY");

  await stage.worker.configure({ vars: { API_BASE_URL } });
  for (const garbage of ["", SECRETS.API_KEY_SECRET, JSON.stringify({ id: SECRETS.API_KEY })]) {
    await stage.worker.kv.put("current", garbage);
    await askEverything("garbage for the current set");
  }

  await stage.worker.configure({ vars: { API_BASE_URL } });
  for (const query of ["", "?shape=circle"]) {
    const icon = readFileSync(new URL("../../assets/icon.png", import.meta.url));
    assert.match(
      await keep(`PUT /icon${query}`, await stage.worker.putIcon(icon, query)),
      /"changed":true/,
    );
    await askEverything(`a new icon${query}`);
  }

  const signatures = authorizations.map((header) => {
    const [, encoded] = /\boauth_signature="([^"]+)"/.exec(header) ?? assert.fail("not signed");
    return decodeURIComponent(encoded);
  });
  assert.ok(signatures.length > 30, `${signatures.length} signatures`);
  assert.equal(new Set(signatures).size, signatures.length);
  assert.ok(seen.length > 150, `${seen.length} answers and lines`);
  assert.ok(seen.filter(({ what }) => what.startsWith("the log")).length >= 9, "lines of the log");

  const hidden = [...Object.entries(SECRETS), ...signatures.map((text) => ["a signature", text])];
  for (const { what, text } of seen) {
    assert.doesNotMatch(text, /oauth_(?:signature|token|consumer_key)=/, what);
    for (const [name, value] of hidden) {
      for (const form of forms(value))
        assert.ok(!text.includes(form), `${name} shows in ${what}: ${text}`);
    }
  }
});

/**
 * A text as JSON may have it: every character as an escape.
 *
 * @param {string} text
 */
const escaped = (text) =>
  text.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

test("a secret that X repeats shows in no form, not in the answer, the log, the journal or on the page", async (t) => {
  t.after(() => (repeated = undefined));
  await stage.worker.configure({
    vars: { API_BASE_URL: `http://127.0.0.1:${portOf(recorder)}` },
  });
  const texts = [];
  for (const name of ACCOUNT_SECRETS) {
    const value = SECRETS[name];
    const basic = Buffer.from(`somebody:${value}`).toString("base64");
    const inJson = [
      escaped(value),
      ...[...forms(value), encodeURIComponent(encodeURIComponent(value)), basic].map((form) =>
        JSON.stringify(form).slice(1, -1),
      ),
    ];
    for (const [n, form] of inJson.entries()) {
      repeated = `{"errors":[{"code":453,"message":"What you sent was ${form}, and that is wrong."}]}`;
      await stage.worker.forget();
      const what = `${name} in form ${n}`;
      texts.push([what, await (await stage.worker.turn("?frame=3")).text()]);
      texts.push([`${what}, the journal`, await (await stage.worker.journal()).text()]);
      texts.push([`${what}, the page`, await (await stage.worker.fetch("/")).text()]);
      assert.match(texts.at(-3)[1], /What you sent was \(hidden\)/, what);
    }
  }
  texts.push(["the log", JSON.stringify(await stage.worker.logs())]);
  const pieces = Object.entries(SECRETS).flatMap(([name, value]) =>
    [...forms(value), value.slice(-12)].map((form) => [name, form]),
  );
  for (const [what, text] of texts) {
    for (const [name, form] of pieces)
      assert.ok(!text.includes(form), `${name} shows in ${what}: ${text}`);
  }
});
