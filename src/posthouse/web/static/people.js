// The fields of addresses: offers people who were written to before.
const MOST = 8;
let people = null;

async function known() {
  people ??= fetch("/people", { credentials: "same-origin", headers: { "X-Part": "facts" } })
    .then((response) => (response.ok ? response.json() : { people: [] }))
    .then((facts) => facts.people)
    .catch(() => []);
  return people;
}

const written = ({ name, address }) => {
  if (!name) return address;
  return `${/^[\w .'-]+$/u.test(name) ? name : `"${name.replace(/(["\\])/g, "\\$1")}"`} <${address}>`;
};

// What is being typed: behind the last comma that stands in no quotes.
function split(text) {
  let at = 0;
  let quoted = false;
  for (let n = 0; n < text.length; n += 1) {
    if (text[n] === '"' && text[n - 1] !== "\\") quoted = !quoted;
    if (text[n] === "," && !quoted) at = n + 1;
  }
  return [text.slice(0, at), text.slice(at).trim()];
}

export function offerPeople(input, changed) {
  const list = document.getElementById(input.getAttribute("aria-controls"));
  let offers = [];
  let chosen = -1;

  function close() {
    list.hidden = true;
    list.replaceChildren();
    offers = [];
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function choose(at) {
    chosen = at;
    for (const [n, one] of [...list.children].entries()) one.setAttribute("aria-selected", String(n === at));
    if (at >= 0) input.setAttribute("aria-activedescendant", list.children[at].id);
  }
  function take(one) {
    const [before] = split(input.value);
    input.value = `${before}${before ? " " : ""}${written(one)}, `;
    close();
    input.focus();
    changed();
  }
  async function look() {
    const [, typed] = split(input.value);
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return close();
    const all = await known();
    const [before, now] = split(input.value);
    if (now !== typed) return;
    const has = before.toLowerCase();
    offers = all
      .filter((one) => !has.includes(one.address.toLowerCase()))
      .filter((one) => words.every((word) => `${one.name} ${one.address}`.toLowerCase().includes(word)))
      .slice(0, MOST);
    if (!offers.length) return close();
    list.replaceChildren(
      ...offers.map((one, n) => {
        const item = document.createElement("li");
        item.id = `${list.id}-${n}`;
        item.setAttribute("role", "option");
        const name = document.createElement("strong");
        name.textContent = one.name || one.address;
        item.append(name);
        if (one.name) item.append(` ${one.address}`);
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(one);
        });
        return item;
      }),
    );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(0);
  }

  input.addEventListener("focus", known);
  input.addEventListener("input", look);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (!offers.length || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      choose((chosen + step + offers.length) % offers.length);
    } else if (event.key === "Enter" || event.key === "Tab" || event.key === ",") {
      event.preventDefault();
      take(offers[chosen]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });
}
