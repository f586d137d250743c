/** A person with a browser that has cookies and forms but no script. */
import assert from "node:assert/strict";
import { browse } from "./browse.js";

/** Where the service is in these tests. */
export const SERVICE = "https://icons.example";

/**
 * A form of a page. Its buttons may send it to other places.
 *
 * @typedef {{ id: string | undefined, action: string, fields: Record<string, string> }} HtmlForm
 */

/** @param {string} text */
const unescaped = (text) =>
  text
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");

/** @param {string} tag @param {string} name */
function attribute(tag, name) {
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`).exec(tag) ?? [];
  return value === undefined ? undefined : unescaped(value);
}

/**
 * The forms of a page, with the fields that a browser would send unchanged.
 *
 * @param {string} html
 * @returns {HtmlForm[]}
 */
export function formsOf(html) {
  return [...html.matchAll(/<form\b[^>]*>([\s\S]*?)<\/form>/g)].map(([whole, inner]) => {
    const [tag] = whole.split(">", 1);
    /** @type {Record<string, string>} */
    const fields = {};
    for (const [input] of inner.matchAll(/<input\b[^>]*>/g)) {
      const name = attribute(input, "name");
      const type = attribute(input, "type") ?? "text";
      const isSent = !["checkbox", "radio"].includes(type) || /\schecked\b/.test(input);
      if (name && isSent) fields[name] = attribute(input, "value") ?? "";
    }
    for (const [, select, inside] of inner.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/g)) {
      const name = attribute(select, "name");
      const options = [...inside.matchAll(/<option\b[^>]*>/g)].map(([option]) => option);
      const chosen = options.find((option) => /\sselected\b/.test(option)) ?? options[0];
      if (name && chosen) fields[name] = attribute(chosen, "value") ?? "";
    }
    return {
      id: attribute(`${tag}>`, "id"),
      action: attribute(`${tag}>`, "action") ?? "",
      fields,
    };
  });
}

/**
 * The form that a page sends to a place, by itself or by one of its buttons.
 *
 * @param {string} html
 * @param {string} action
 */
export function formFor(html, action) {
  const forms = formsOf(html);
  const own = forms.find((form) => form.action === action);
  if (own) return own;
  const buttons = [...html.matchAll(/<button\b[^>]*>/g)].map(([button]) => button);
  const button = buttons.find((one) => attribute(one, "formaction") === action);
  return button && forms.find((form) => form.id === attribute(button, "form"));
}

/** What a page says, without tags. @param {string} html */
export const textOf = (html) =>
  unescaped(html.replace(/<[^>]*>/g, " "))
    .replace(/\s+/g, " ")
    .trim();

/** How many addresses have been given out. */
let addresses = 0;

function nextAddress() {
  addresses += 1;
  return `192.0.${addresses >> 8}.${addresses & 255}`;
}

export class Visitor {
  /** @type {Map<string, string>} */
  cookies = new Map();
  /** The address that the edge sees, another one for each person. */
  address = nextAddress();
  #worker;
  #simulator;

  /**
   * @param {import("./requests.js").Client} worker
   * @param {{ url: string }} simulator
   */
  constructor(worker, simulator) {
    this.#worker = worker;
    this.#simulator = simulator;
  }

  /**
   * Sends a request to the service, with this browser's cookies.
   *
   * @param {string} where a path, or an address of the service
   * @param {import("./requests.js").Init} [init]
   */
  async fetch(where, init = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = {
      accept: "text/html",
      "cf-connecting-ip": this.address,
      ...(cookie && { cookie }),
      ...init.headers,
    };
    const response = await this.#worker.fetch(new URL(where, SERVICE).href, { ...init, headers });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return response;
  }

  /** @param {string} line a Set-Cookie header */
  #keep(line) {
    const [pair, ...attributes] = line.split(";").map((part) => part.trim());
    const at = pair.indexOf("=");
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    assert.ok(name.startsWith("__Host-"), line);
    for (const needed of ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"])
      assert.ok(attributes.includes(needed), `${needed} in ${line}`);
    if (attributes.includes("Max-Age=0")) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  /**
   * Opens a page and follows the service's own redirects.
   *
   * @param {string} where
   */
  async open(where) {
    let response = await this.fetch(where);
    for (let hops = 0; response.status === 303 && hops < 5; hops += 1) {
      response = await this.fetch(response.headers.get("location") ?? "");
    }
    return { response, html: await response.text() };
  }

  /**
   * Sends a form as a page of the service would.
   *
   * @param {string} action
   * @param {Record<string, string>} fields
   * @param {Record<string, string>} [headers] in place of what a browser sends
   */
  submit(action, fields, headers = {}) {
    return this.fetch(action, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        origin: SERVICE,
        "sec-fetch-site": "same-origin",
        ...headers,
      },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /**
   * Fills in a form of a page and sends it. Returns the page that follows.
   *
   * @param {string} where the page
   * @param {string} action which of its forms
   * @param {Record<string, string>} [fields] what is filled in
   */
  async fillIn(where, action, fields = {}) {
    const { html } = await this.open(where);
    const form = formFor(html, action);
    assert.ok(form, `a form for ${action} in ${textOf(html)}`);
    const response = await this.submit(action, { ...form.fields, ...fields });
    if (response.status !== 303) return { response, html: await response.text() };
    return this.open(response.headers.get("location") ?? "");
  }

  /**
   * Types where the account is. Returns the address of the server's page that the browser is sent
   * to, or the service's page if there is none.
   *
   * @param {string} typed
   * @param {string} [where] the page with the form
   */
  async begin(typed, where = "/sign-in") {
    const { response, html } = await this.fillIn(where, "/sign-in/mastodon", { server: typed });
    const [, refresh] = /http-equiv="refresh"\s+content="0;\s*url=([^"]*)"/i.exec(html) ?? [];
    return { response, html, address: refresh && unescaped(refresh) };
  }

  /**
   * Does what the server's page asks for. Returns the address that it sends the browser back to.
   *
   * @param {string} address the server's page
   * @param {string} person
   * @param {string} button
   */
  async allow(address, person, button = "Authorize") {
    const page = await browse(this.#simulator, address);
    assert.equal(page.status, 200, page.text);
    const [form] = formsOf(page.text);
    assert.ok(form, page.text);
    const [, radio] = /<input\b[^>]*type="radio"[^>]*\sname="([^"]*)"/.exec(page.text) ?? [];
    const buttons = [...page.text.matchAll(/<button\b([^>]*)>([^<]*)</g)];
    const pressed = buttons.find(([, , label]) => label.trim() === button);
    assert.ok(radio && pressed, page.text);
    const fields = { ...form.fields, [radio]: person };
    const name = attribute(` ${pressed[1]}`, "name");
    if (name) fields[name] = attribute(` ${pressed[1]}`, "value") ?? "";
    const { status, location, text } = await browse(
      this.#simulator,
      new URL(form.action, address).href,
      {
        method: "POST",
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          origin: new URL(address).origin,
        },
        body: new URLSearchParams(fields).toString(),
      },
    );
    assert.ok([302, 303].includes(status) && location, `${status} ${text}`);
    return location;
  }

  /**
   * Signs in with a Mastodon server. Returns the page that the browser comes to.
   *
   * @param {string} typed
   * @param {string} person
   */
  async signIn(typed, person) {
    const { address, html } = await this.begin(typed);
    assert.ok(address, textOf(html));
    return this.open(await this.allow(address, person));
  }

  /**
   * Uploads a picture as the script of the account's page does.
   *
   * @param {import("./requests.js").Body} picture
   * @param {string} [query]
   */
  async upload(picture, query = "") {
    const { html } = await this.open("/account");
    const token = formsOf(html).find(({ fields }) => fields.csrf)?.fields.csrf ?? "";
    return this.fetch(`/account/icon${query}`, {
      method: "PUT",
      body: picture,
      headers: { "x-csrf-token": token, origin: SERVICE, accept: "application/json" },
    });
  }
}
