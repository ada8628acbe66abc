// Asking the server for something that must not get lost: what is on its way is sent again until it has arrived.
export class Refused extends Error {}

const WAITS = [2, 4, 8, 15, 30]; // seconds
const csrf = document.querySelector("meta[name=csrf]");

const pause = (seconds) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true });
  });

// Somebody who was logged out logs in again in another window; this one goes on when it is looked at.
async function loggedInAgain(tell) {
  tell("You have been logged out. What you wrote is still here: log in again, then come back.", {
    link: "/login?next=/",
    label: "Log in",
  });
  const account = document.querySelector("[data-account]")?.dataset.account;
  for (;;) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 5000);
      addEventListener("focus", () => (clearTimeout(timer), resolve()), { once: true });
    });
    const found = await renewed().catch(() => null);
    if (found && account && found.account !== account) throw new Refused(`You are ${found.account} now; log in as ${account} to go on.`);
    if (found) return;
  }
}

async function renewed() {
  const response = await fetch("/token", { credentials: "same-origin", headers: { "X-Part": "facts" } });
  if (!response.ok) return null;
  const facts = await response.json();
  csrf.content = facts.csrf;
  for (const one of document.querySelectorAll("input[name=csrf]")) one.value = facts.csrf;
  return facts;
}

// Send a form until there is an answer; its facts. `tell(words, more)`: what goes on. Raises Refused.
export async function send(path, fields, tell) {
  let renewedOnce = false;
  for (let tries = 0; ; tries += 1) {
    let response;
    try {
      response = await fetch(path, {
        method: "POST",
        credentials: "same-origin",
        headers: { "X-Part": "facts", "X-CSRF-Token": csrf.content },
        body: new URLSearchParams(fields),
      });
    } catch {
      const seconds = WAITS[Math.min(tries, WAITS.length - 1)];
      tell(`No connection. What you wrote is kept in this window; trying again in ${seconds} seconds.`);
      await pause(seconds);
      continue;
    }
    if (response.ok) return response.json();
    if (response.status === 401) {
      await loggedInAgain(tell);
      continue;
    }
    const facts = await response.json().catch(() => ({}));
    if (response.status === 403 && !renewedOnce && (await renewed().catch(() => null))) {
      renewedOnce = true; // another login in this browser: the page has the old one's token
      continue;
    }
    if (response.status >= 502 && response.status <= 504 && tries < WAITS.length) {
      await pause(WAITS[tries]);
      continue;
    }
    throw new Refused([facts.problem ?? "The server doesn't answer as it should.", facts.advice ?? ""].join(" ").trim());
  }
}

// Send a file, with progress (0 to 1); the answer's facts. Raises Refused.
export function sendFile(path, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("X-Part", "facts");
    request.setRequestHeader("X-CSRF-Token", csrf.content);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => progress(event.total ? event.loaded / event.total : 0));
    request.addEventListener("load", () => {
      const facts = request.response ?? {};
      if (request.status === 200) resolve(facts);
      else reject(new Refused([facts.problem ?? "The file was not taken.", facts.advice ?? "Add it again."].join(" ")));
    });
    for (const kind of ["error", "abort"]) {
      request.addEventListener(kind, () => reject(new Refused("The line was cut. Add the file again.")));
    }
    request.send(file);
  });
}
