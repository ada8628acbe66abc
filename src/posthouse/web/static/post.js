// Asking the server: parts of pages as HTML, and forms whose answers are facts.
import { toast } from "./toast.js";

const csrf = () => document.querySelector("meta[name=csrf]").content;

// What went wrong, in the server's words.
export class Problem extends Error {}

async function answered(response) {
  if (response.ok) return response;
  let facts = {};
  if (response.headers.get("content-type")?.startsWith("application/json")) facts = await response.json();
  if (response.status === 401) {
    const link = document.createElement("a");
    link.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = "Log in";
    link.className = "button";
    toast("You have been logged out.", { more: link, lasting: true });
    throw new Problem("");
  }
  throw new Problem([facts.problem ?? "The server doesn't answer as it should.", facts.advice ?? ""].join(" ").trim());
}

async function asked(path, options) {
  try {
    return await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server can't be reached. Are you connected?");
  }
}

// A part of a page, as a fragment of the document. `kind`: which, where a page has several.
export async function part(path, { kind = "part", signal } = {}) {
  const response = await answered(await asked(path, { headers: { "X-Part": kind }, signal }));
  return document.createRange().createContextualFragment(await response.text());
}

// A form, sent; its facts. `fields`: pairs, or an object.
export async function post(path, fields) {
  const headers = { "X-Part": "facts", "X-CSRF-Token": csrf() };
  const response = await answered(await asked(path, { method: "POST", headers, body: new URLSearchParams(fields) }));
  return response.json();
}

// Whatever went wrong is told.
export function tell(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.message) toast(error.message);
}
