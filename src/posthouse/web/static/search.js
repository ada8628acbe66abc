// Searching as one types: what is found takes the place of the list.
import { watch } from "./list.js";
import { current } from "./open.js";
import { part, tell } from "./post.js";

const PAUSE = 180; // milliseconds without a key
const main = document.getElementById("main");
const form = document.querySelector(".top .search");
const field = form.querySelector("input");
let waiting = 0;
let asking = null;
let shown = field.value.trim();

async function search() {
  const text = field.value.trim();
  if (text === shown || !text) return;
  asking?.abort();
  asking = new AbortController();
  const path = `/search?${new URLSearchParams({ q: text })}`;
  form.classList.add("busy");
  try {
    const fragment = await part(path, { kind: "list", signal: asking.signal });
    if (field.value.trim() !== text) return;
    shown = text;
    current()?.remove();
    main.querySelector(".list")?.replaceWith(fragment);
    if (!main.querySelector(".list")) main.append(fragment);
    watch(main);
    main.scrollTop = 0;
    if (location.pathname === "/search") history.replaceState(null, "", path);
    else history.pushState(null, "", path);
    document.title = `${text} · Search`;
    for (const one of document.querySelectorAll(".side [aria-current]")) one.removeAttribute("aria-current");
  } catch (error) {
    if (error.name !== "AbortError") tell(error);
  } finally {
    form.classList.remove("busy");
  }
}

field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, PAUSE);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  search();
  if (!field.value.trim()) location.href = "/";
});
