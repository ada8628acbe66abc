// The page of a letter: what is typed is kept as a draft, files are added, it is sent.
import { Refused, send, sendFile } from "./keep.js";
import { offerPeople } from "./people.js";
import { writtenText, htmlOf } from "./looks.js";
import { signed } from "./signature.js";

const form = document.getElementById("write");
const field = (name) => form.elements.namedItem(name);
const state = form.querySelector(".state");
const tools = form.querySelector(".tools");
const textarea = document.getElementById("text");
const frame = form.querySelector("iframe.editor");
const list = form.querySelector("ul.files");
const addFile = form.querySelector(".add-file");
const most = Number(form.dataset.most);
const PAUSE = 1500; // milliseconds without a key until what was typed is kept
const SLOWER = 100; // milliseconds more for each megabyte that travels along
const LONGEST = 2000; // characters of the subject that an address takes

let files = JSON.parse(form.dataset.files);
let rich = false;
let html = "";
let dirty = false;
let leaving = false;
let timer = 0;
let work = Promise.resolve(); // what is asked of the server goes one after the other

// -- what goes on --------------------------------------------------------------------------------------------------

function tell(words, { link = "", label = "" } = {}) {
  state.textContent = words;
  if (!link) return;
  const a = document.createElement("a");
  Object.assign(a, { href: link, textContent: label, target: "_blank", rel: "noopener" });
  state.append(" ", a);
}

function queued(task) {
  const next = work.then(() => task()).catch((error) => {
    if (!(error instanceof Refused)) throw error;
    tell(error.message);
    state.classList.add("refused");
    return null;
  });
  work = next.catch(() => null);
  return next;
}

// -- keeping -------------------------------------------------------------------------------------------------------

function fields(more = {}) {
  const data = new FormData(form);
  data.set("rich", rich ? "1" : "");
  data.set("text", rich ? html : textarea.value);
  data.set("keep", files.map((one) => one.number).join(","));
  for (const [name, value] of Object.entries(more)) data.set(name, value);
  return data;
}

function changed() {
  dirty = true;
  state.classList.remove("refused");
  if (state.textContent.startsWith("Kept")) tell("");
  clearTimeout(timer);
  const megabytes = files.reduce((sum, one) => sum + one.size, 0) / 1e6;
  timer = setTimeout(() => queued(keep), PAUSE + megabytes * SLOWER);
}

async function keep({ anyway = false } = {}) {
  clearTimeout(timer);
  await typed();
  clearTimeout(timer);
  if (leaving || !(dirty || anyway)) return;
  dirty = false;
  try {
    kept(await send("/draft", fields({ saving: crypto.randomUUID() }), tell));
  } catch (error) {
    dirty = true;
    throw error;
  }
}

function kept(facts) {
  field("draft").value = facts.draft;
  field("source").value = facts.draft;
  field("ident").value = facts.ident;
  files = facts.files;
  showFiles();
  history.replaceState(null, "", `/write/${facts.draft}${location.search.includes("in=") ? location.search : ""}`);
  tell(facts.note || `Kept at ${facts.saved}`);
}

addEventListener("pagehide", () => {
  if (dirty && !leaving) navigator.sendBeacon("/draft", new URLSearchParams(fields()));
});
addEventListener("beforeunload", (event) => {
  if (!leaving && (dirty || form.querySelector(".arriving"))) event.preventDefault();
});

// -- the text ------------------------------------------------------------------------------------------------------

let ready = () => {};
let turn = 0; // which text the frame is given
let shown = 0; // which one it has
let questions = 0;
let switching = Promise.resolve(); // between plain text and text with looks
const waiting = new Map(); // who waits for the frame's answer

function toFrame(words) {
  frame.contentWindow.postMessage(words, "*");
}

addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || typeof event.data !== "object" || event.data === null) return;
  const facts = event.data;
  if (facts.ready) ready();
  if (typeof facts.html === "string" && facts.turn === turn && facts.html !== html) {
    html = facts.html;
    changed();
  }
  waiting.get(facts.answers)?.();
  waiting.delete(facts.answers);
  if (Number.isFinite(facts.height)) frame.style.height = `${Math.min(Math.max(facts.height, 240), 20_000)}px`;
  if (Array.isArray(facts.files)) add(facts.files, { pictures: true });
  if (facts.send) form.requestSubmit();
});

// The frame tells of what is typed a moment later; whoever keeps or sends the letter asks for the last of it.
async function typed() {
  if (!rich || shown !== turn) return;
  questions += 1;
  const answer = new Promise((resolve) => waiting.set(questions, resolve));
  toFrame({ ask: questions });
  await answer;
}

async function asData(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

async function picturesOfText() {
  const shown = files.filter((one) => one.cid && html.includes(one.cid));
  const source = field("source").value;
  const found = await Promise.all(
    shown.map(async (one) => {
      const response = await fetch(`/letter/${source}/file/${one.number}`, { credentials: "same-origin" });
      return [one.cid, response.ok ? await asData(new Blob([await response.blob()], { type: one.type })) : ""];
    }),
  );
  return Object.fromEntries(found);
}

async function writeRich(text) {
  turn += 1;
  html = text;
  rich = true;
  const loaded = new Promise((resolve) => (ready = resolve));
  frame.hidden = false;
  textarea.hidden = true;
  tools.hidden = false;
  form.querySelector(".switch").setAttribute("aria-pressed", "true");
  if (!frame.src) frame.src = frame.dataset.src;
  else ready();
  await loaded;
  toFrame({ show: html, pictures: await picturesOfText(), turn });
  shown = turn;
}

async function writePlain() {
  await typed();
  turn += 1;
  textarea.value = writtenText(html);
  rich = false;
  frame.hidden = true;
  textarea.hidden = false;
  tools.hidden = true;
  form.querySelector(".switch").setAttribute("aria-pressed", "false");
}

form.querySelector(".switch").addEventListener("click", async () => {
  switching = rich ? writePlain() : writeRich(htmlOf(textarea.value));
  await switching;
  changed();
});

tools.addEventListener("click", (event) => {
  const act = event.target.closest("[data-do]")?.dataset.do;
  if (act === "link") askLink();
  else if (act) toFrame({ act });
});

async function askLink() {
  const url = await asked("ask-link", "link");
  if (url !== "link") return;
  const given = document.getElementById("link-url").value.trim();
  if (/^(https?:|mailto:)/i.test(given)) toFrame({ act: "link", value: given });
  else if (given) toFrame({ act: "link", value: `https://${given}` });
}

function asked(id) {
  const dialog = document.getElementById(id);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

// -- files ---------------------------------------------------------------------------------------------------------

const UNITS = ["B", "KB", "MB", "GB"];
function size(octets) {
  let unit = 0;
  while (octets >= 1000 && unit < 3) [octets, unit] = [octets / 1000, unit + 1];
  return `${octets < 10 && unit ? octets.toFixed(1) : Math.round(octets)} ${UNITS[unit]}`;
}

const inText = (one) => rich && one.cid && html.includes(one.cid);

function showFiles() {
  for (const one of list.querySelectorAll("li:not(.arriving)")) one.remove();
  for (const one of files.filter((file) => !inText(file))) {
    const item = document.createElement("li");
    item.append(...words(one.name, size(one.size)));
    const takeOut = () => {
      files = files.filter((file) => file !== one);
      showFiles();
      changed();
      addFile.focus();
    };
    item.append(cross(`Take ${one.name} out`, takeOut));
    list.append(item);
  }
  list.hidden = !list.children.length;
}

function words(name, more) {
  const label = document.createElement("span");
  label.className = "name";
  label.textContent = name;
  const hint = document.createElement("span");
  hint.className = "hint";
  hint.textContent = more;
  return [label, hint];
}

function cross(label, act) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "quiet", textContent: "×" });
  button.setAttribute("aria-label", label);
  button.addEventListener("click", act);
  return button;
}

function arriving(file) {
  const item = document.createElement("li");
  item.className = "arriving";
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.setAttribute("aria-label", `${file.name} is on its way`);
  item.dataset.size = file.size;
  const call = new AbortController();
  item.append(...words(file.name, size(file.size)), bar, cross(`Stop sending ${file.name}`, () => call.abort()));
  list.append(item);
  list.hidden = false;
  call.signal.addEventListener("abort", () => {
    item.remove();
    addFile.focus();
  });
  return { done: () => item.remove(), show: (part) => (bar.value = part), signal: call.signal };
}

// The octets of all files that a letter has, and of those that are on their way to it.
function together() {
  const coming = [...list.querySelectorAll(".arriving")].map((item) => Number(item.dataset.size));
  return [...files.map((one) => one.size), ...coming].reduce((sum, one) => sum + one, 0);
}

function add(chosen, { pictures = false } = {}) {
  for (const file of chosen) {
    if (together() + file.size > most) {
      const others = together() ? " with the other files" : "";
      tell(`${file.name} is too large${others}: the files of one letter may have ${size(most)} together. Send a link to it, or several letters.`);
      state.classList.add("refused");
      continue;
    }
    const inline = rich && pictures && /^image\/(png|jpeg|gif|webp)$/.test(file.type);
    const shown = arriving(file);
    queued(async () => {
      if (shown.signal.aborted) return;
      try {
        await keep({ anyway: !field("draft").value });
        const query = new URLSearchParams({
          name: file.name || "picture.png",
          type: file.type,
          inline: inline ? "1" : "",
          saving: crypto.randomUUID(),
          ident: field("ident").value,
          subject: field("subject").value.slice(0, LONGEST),
        });
        const before = new Set(files.map((one) => one.cid));
        const path = `/draft/${field("draft").value}/file?${query}`;
        const facts = await sendFile(path, file, { progress: shown.show, tell, signal: shown.signal });
        const cid = facts.files.map((one) => one.cid).find((one) => one && !before.has(one));
        kept(facts);
        if (!inline || !cid) return;
        toFrame({ act: "picture", value: { cid, url: await asData(file) } });
        await typed(); // or what is kept next would be without it
        showFiles();
      } catch (error) {
        if (error.name !== "AbortError") throw error;
        tell(`${file.name} was not sent.`);
      } finally {
        shown.done();
        showFiles();
      }
    });
  }
}

for (const [button, input, pictures] of [
  [".add-file", ".chosen-files", false],
  [".add-picture", ".chosen-pictures", true],
]) {
  const chooser = form.querySelector(input);
  form.querySelector(button).addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    add([...chooser.files], { pictures });
    chooser.value = "";
  });
}
addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});
addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  add([...event.dataTransfer.files]);
});
textarea.addEventListener("paste", (event) => {
  if (!event.clipboardData.files.length) return;
  event.preventDefault();
  add([...event.clipboardData.files]);
});

// -- sending -------------------------------------------------------------------------------------------------------

const ATTACHED =
  /\b(attach(ed|ment|ments|ing)?|enclosed|anhang|anhänge|angehängt|beigefügt|anbei|pièces? jointes?|ci-joint|adjunt[oa]s?|allegat[oi]|bijlage|bifogad|załącz)/iu;

// What is written, without what is quoted.
function own() {
  const plain = rich ? writtenText(html.replace(/<blockquote[\s\S]*$/i, "")) : textarea.value;
  const lines = plain.split("\n").filter((line) => !line.startsWith(">"));
  return `${field("subject").value}\n${lines.join("\n").split("---------- Forwarded")[0]}`;
}

// While a letter is on its way, for as long as the line is cut perhaps, nothing can be typed that wouldn't go with it.
function hold(still) {
  for (const one of form.querySelectorAll(":scope > :not(header)")) one.inert = still;
}

async function leave(later = "") {
  await typed();
  const word = ATTACHED.exec(own())?.[0];
  if (word && !files.some((one) => !inText(one)) && !list.querySelector(".arriving")) {
    const dialog = document.getElementById("nothing-attached");
    dialog.querySelector(".word").textContent = word;
    const choice = await asked("nothing-attached");
    if (choice === "attach") form.querySelector(".chosen-files").click();
    if (choice !== "send") return;
  }
  const focused = document.activeElement;
  hold(true);
  clearTimeout(timer);
  tell("Sending…");
  const facts = await queued(() => send("/send", fields(later ? { later } : {}), tell));
  if (!facts) {
    hold(false);
    focused.focus();
    return;
  }
  leaving = true;
  const sent = { words: facts.words, outgoing: facts.outgoing, until: Date.now() + facts.seconds * 1000 };
  sessionStorage.setItem("sent", JSON.stringify(sent));
  location.assign(form.dataset.back);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  leave();
});
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    form.requestSubmit();
  }
});

document.getElementById("later").addEventListener("click", (event) => {
  const when = event.target.closest("[data-later]")?.dataset.later;
  if (!when) return;
  const time = new Date();
  if (when === "time") {
    const given = document.getElementById("later-time").value;
    if (!given) return;
    time.setTime(new Date(given).getTime());
  } else if (when === "morning" || when === "monday") {
    time.setDate(time.getDate() + (when === "morning" ? 1 : ((8 - time.getDay()) % 7) || 7));
    time.setHours(8, 0, 0, 0);
  } else {
    time.setTime(time.getTime() + Number(when) * 3_600_000);
  }
  event.currentTarget.hidePopover();
  leave(String(Math.floor(time.getTime() / 1000)));
});

form.querySelector(".discard").addEventListener("click", async () => {
  clearTimeout(timer);
  dirty = false;
  if (field("draft").value && !(await queued(() => send("/draft/discard", fields(), tell)))) return;
  leaving = true;
  location.assign(form.dataset.back);
});

// -- the beginning -------------------------------------------------------------------------------------------------

for (const name of ["to", "cc", "bcc"]) offerPeople(field(name), changed);
form.addEventListener("input", changed);
form.querySelector(".more-people").addEventListener("click", (event) => {
  for (const one of form.querySelectorAll("[data-spare]")) delete one.dataset.spare;
  event.currentTarget.hidden = true;
  field("cc").focus();
});
const signatures = JSON.parse(form.dataset.signatures);
let sender = field("from").value;
field("from").addEventListener("change", async () => {
  await switching;
  const [old, fresh] = [signatures[sender] ?? "", signatures[field("from").value] ?? ""];
  sender = field("from").value;
  if (old === fresh) return;
  if (rich) toFrame({ act: "sign", value: { old, fresh } });
  else textarea.value = signed(textarea.value, old, fresh);
});
const isNew = !field("to").value;
if (frame.dataset.html !== undefined) await writeRich(frame.dataset.html);
showFiles();
if (isNew) field("to").focus();
else if (rich) toFrame({ focus: true });
else {
  textarea.focus();
  textarea.setSelectionRange(0, 0);
}
