/** A person on the pages of the official server: its sign-in, and the settings of its accounts. */

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("./pds.js").PdsAccount} PdsAccount */

/** @param {Page} page @param {string | RegExp} name */
const button = (page, name) => page.getByRole("button", { name, exact: true });

/**
 * Signs in with the account's own password, from whichever page the server shows first.
 *
 * @param {Page} page
 * @param {PdsAccount} account
 */
export async function signInThere(page, account) {
  const password = page.getByRole("textbox", { name: "Password" });
  const another = page.getByRole("button", { name: "Sign in to an account that is not listed" });
  await password.or(button(page, "Sign in").or(another).first()).first().waitFor();
  if (!(await password.isVisible())) {
    const way = (await another.isVisible()) ? another : button(page, "Sign in");
    await way.click();
  }
  const name = page.getByRole("textbox", { name: "Username or Email" });
  // It is there already where the client gave a hint.
  if ((await name.inputValue()) === "") await name.fill(account.handle);
  await password.fill(account.password);
  await page.getByRole("checkbox", { name: "Remember this account" }).check();
  await button(page, "Sign in").click();
  await password.waitFor({ state: "hidden" });
}

/** The name that the server shows, before it is signed in there. @param {Page} page */
export const hintedName = (page) =>
  page.getByRole("textbox", { name: "Username or Email" }).inputValue();

/** Picks an account in which the browser is signed in. @param {Page} page @param {PdsAccount} account */
export const chooseAccount = (page, account) =>
  page.getByRole("button", { name: "Sign in as" }).filter({ hasText: account.handle }).click();

/** Consents to what the client asks for. @param {Page} page */
export const authorize = (page) => button(page, "Authorize").click();

/** Refuses it, signed in. @param {Page} page */
export const deny = (page) => button(page, "Deny access").click();

/** Refuses it before signing in. @param {Page} page */
export const cancel = (page) => button(page, "Cancel").click();

/**
 * Opens the list of apps in the account's settings on its server.
 *
 * @param {Page} page
 * @param {PdsAccount} account
 */
export async function openApps(page, account) {
  await page.goto(`${account.server}/account`);
  const apps = page.getByRole("link", { name: "Apps", exact: true });
  await apps.or(button(page, "Sign in")).first().waitFor();
  if (!(await apps.isVisible())) await signInThere(page, account);
  await apps.click();
  await page.getByRole("heading", { name: "Apps" }).waitFor();
}

/**
 * Revokes what an app may do with the account, in the account's settings.
 *
 * @param {Page} page
 * @param {PdsAccount} account
 * @param {string} client the client's id
 */
export async function revokeApp(page, account, client) {
  await openApps(page, account);
  const row = page.getByRole("row").filter({ hasText: client });
  await row.first().getByRole("button", { name: "Details" }).click();
  // The page takes the app from its list before the server has answered.
  const answered = page.waitForResponse((response) =>
    response.url().endsWith("revoke-oauth-session"),
  );
  await button(page, "Revoke access").click();
  await (await answered).finished();
  await row.waitFor({ state: "detached" });
}
