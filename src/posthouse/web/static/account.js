// Moving house: mail out of a file and into one, with how far it is.
const csrf = () => document.querySelector("meta[name=csrf]").content;
const letters = (count) => (count === 1 ? "1 letter" : `${count.toLocaleString("en")} letters`);

// The lines of an answer, as they come.
function lines(text, from) {
  const end = text.lastIndexOf("\n") + 1;
  return [text.slice(from, end).split("\n").filter(Boolean).map((line) => JSON.parse(line)), end];
}

function ask(path, body, { progress = () => {}, each }) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let read = 0;
    const look = () => {
      if (request.status !== 200) return;
      const [facts, end] = lines(request.responseText, read);
      read = end;
      for (const one of facts) each(one);
    };
    request.open("POST", path);
    request.setRequestHeader("X-Part", "facts");
    request.setRequestHeader("X-CSRF-Token", csrf());
    request.upload.addEventListener("progress", (event) => progress(event.total ? event.loaded / event.total : 0));
    request.addEventListener("progress", look);
    request.addEventListener("load", () => {
      look();
      if (request.status !== 200) {
        const facts = request.getResponseHeader("content-type")?.startsWith("application/json") ? JSON.parse(request.responseText) : {};
        each({ problem: facts.problem ?? "The server doesn't answer as it should.", advice: facts.advice ?? "" });
      }
      resolve();
    });
    request.addEventListener("error", () => {
      each({ problem: "The line was cut.", advice: "Do it again: what came in before is passed over." });
      resolve();
    });
    request.send(body);
  });
}

document.querySelector("form.import").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const state = form.querySelector(".state");
  const bar = form.querySelector("progress");
  const file = form.querySelector("input[type=file]").files[0];
  if (!file) {
    state.textContent = "Choose a file first.";
    return;
  }
  const button = form.querySelector("button");
  button.disabled = true;
  bar.hidden = false;
  state.textContent = "The file is on its way.";
  const query = new URLSearchParams({ name: file.name, into: form.querySelector("#import-into").value.trim() });
  await ask(`/account/import?${query}`, file, {
    progress: (part) => (bar.value = part),
    each: ({ new: fresh, known, problem, advice, done }) => {
      const came = `${letters(fresh ?? 0)} came in${known ? `, ${letters(known)} were here before` : ""}`;
      if (problem) state.textContent = `${problem} ${advice} ${fresh ? `(${came}.)` : ""}`;
      else state.textContent = done ? `Done: ${came}.` : `${came} so far.`;
    },
  });
  bar.hidden = true;
  button.disabled = false;
});

document.querySelector("form.export").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const state = form.querySelector(".state");
  const button = form.querySelector("button");
  button.disabled = true;
  state.textContent = "Gathering.";
  await ask("/account/export", new URLSearchParams(new FormData(form)), {
    each: ({ messages, problem, advice, done }) => {
      if (problem) state.textContent = `${problem} ${advice}`;
      else state.textContent = done ? `Done: ${letters(messages)}.` : `${letters(messages)} so far.`;
      if (done) location.assign(done);
    },
  });
  button.disabled = false;
});
