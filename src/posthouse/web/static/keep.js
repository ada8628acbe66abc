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

// Ask until there is an answer; its facts. `attempt()` asks once, and gives status and facts, or raises for a cut line;
// `tell(words, more)`: what goes on. Raises Refused.
async function untilAnswered(attempt, tell, { most = Infinity } = {}) {
  let renewedOnce = false;
  for (let tries = 0; ; tries += 1) {
    let answer;
    try {
      answer = await attempt();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      const seconds = WAITS[Math.min(tries, WAITS.length - 1)];
      tell(`No connection. What you wrote is kept in this window; trying again in ${seconds} seconds.`);
      await pause(seconds);
      if (tries + 1 >= most && (await reached())) throw new Refused("The line was cut again and again. Try it once more.");
      continue;
    }
    if (answer.status === 200) return answer.facts;
    if (answer.status === 401) {
      await loggedInAgain(tell);
      continue;
    }
    if (answer.status === 403 && !renewedOnce && (await renewed().catch(() => null))) {
      renewedOnce = true; // another login in this browser: the page has the old one's token
      continue;
    }
    if (answer.status >= 502 && answer.status <= 504 && tries < WAITS.length) {
      await pause(WAITS[tries]);
      continue;
    }
    const { problem = "The server doesn't answer as it should.", advice = "" } = answer.facts ?? {};
    throw new Refused(`${problem} ${advice}`.trim());
  }
}

const reached = () => renewed().then(() => true, () => false);

// Send a form until there is an answer; its facts. Raises Refused.
export function send(path, fields, tell) {
  return untilAnswered(async () => {
    const response = await fetch(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "X-Part": "facts", "X-CSRF-Token": csrf.content },
      body: new URLSearchParams(fields),
    });
    return { status: response.status, facts: await response.json().catch(() => ({})) };
  }, tell);
}

// Send a file until there is an answer, with progress (0 to 1); the answer's facts. A server that says no to a large file
// before it has all of it is heard only sometimes: so it is asked for its answer to nothing first. Raises Refused, and
// AbortError where `signal` says so.
export function sendFile(path, file, { progress, tell, signal }) {
  const attempt = async () => {
    signal.throwIfAborted();
    const known = await fetch("/token", { credentials: "same-origin", headers: { "X-Part": "facts" }, signal });
    return known.ok ? sendOnce(path, file, progress, signal) : { status: known.status, facts: {} };
  };
  return untilAnswered(attempt, tell, { most: WAITS.length });
}

function sendOnce(path, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("X-Part", "facts");
    request.setRequestHeader("X-CSRF-Token", csrf.content);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => progress(event.total ? event.loaded / event.total : 0));
    request.addEventListener("load", () => resolve({ status: request.status, facts: request.response ?? {} }));
    request.addEventListener("error", () => reject(new TypeError("the line was cut")));
    request.addEventListener("abort", () => reject(signal.reason));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
