/** The service open to everybody, and the servers around it. */
import { SERVICE } from "./visitor.js";

/** A key for what is stored. */
export const SERVICE_KEY = "c2VydmljZS1rZXktb2YtdGhlLXRlc3RzLTMyYnl0ZXM=";

/** What the simulator offers people: the arguments of `rotate-icon simulate`. */
export const SERVERS = [
  "social.example=mastodon-4.3",
  "old.example=mastodon-4.2",
  "gts.example=gotosocial",
  "pixels.example=pixelfed",
  "pleroma.example=pleroma",
  "web.example=mastodon-4.3,handles=handles.example",
].flatMap((server) => ["--mastodon-server", server]);

/**
 * The settings of a service that takes everybody, whose owner has no icon.
 *
 * @type {import("./settings.js").Changes}
 */
export const OPEN = {
  networks: [],
  vars: {
    PUBLIC_URL: SERVICE,
    SIGN_UP: "open",
    CONTACT: "operator@icons.example",
  },
  secrets: { SERVICE_KEY },
};
