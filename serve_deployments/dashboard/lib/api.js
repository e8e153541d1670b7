// Calls of the API: a bearer token where there is one, and every error as one line.
import { author, token } from "./session.js";

const MOST = 1000; // entries in a page

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function headers(more = {}) {
  const known = token();
  return known ? { Authorization: `Bearer ${known}`, ...more } : more;
}

export async function problemOf(response) {
  const text = await response.text();
  try {
    const problem = JSON.parse(text);
    return new ApiError(response.status, problem.detail || problem.title);
  } catch {
    // The proxy, not the service: it died under the request and is being restarted.
    if (response.status >= 500) return new ApiError(0, "the service is being restarted");
    return new ApiError(response.status, `${response.status} ${response.statusText}`);
  }
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "the service does not answer");
  }
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

export const get = (path, signal) => call(path, { headers: headers(), signal });

// A key makes a call that is sent again after a broken connection change things once.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function change(method, path, body) {
  const given = { "Idempotency-Key": newKey(), "X-Author": author(), "Content-Type": "application/json" };
  const options = { method, headers: headers(given), body: body && JSON.stringify(body) };
  try {
    return await call(path, options);
  } catch (error) {
    if (error.status !== 0) throw error;
    return call(path, options);
  }
}

export const post = (path, body) => change("POST", path, body);
export const remove = (path) => change("DELETE", path);

// All entries of a paged list, `most` of them where that is given.
export async function pages(path, name, signal, most = Infinity) {
  const found = [];
  let after = null;
  do {
    const query = new URLSearchParams({ limit: Math.min(MOST, most - found.length) });
    if (after !== null) query.set("after", after);
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}${query}`, signal);
    found.push(...page[name]);
    after = page.next;
  } while (after !== null && found.length < most);
  return found;
}
