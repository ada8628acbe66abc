// New mail appears by itself: the server says that something has changed, the page asks what.
import { refresh, showCounts } from "./list.js";
import { tell } from "./post.js";

function notify(letters) {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  for (const { from, subject, path } of letters) {
    const shown = new Notification(from, { body: subject, tag: path });
    shown.addEventListener("click", () => {
      window.focus();
      location.href = path;
    });
  }
}

async function take({ counts }) {
  showCounts(counts);
  try {
    await refresh();
  } catch (error) {
    tell(error);
  }
}

// A browser opens six connections to a server at most. So of all windows one listens, for as long as it is there, and
// tells the others.
const windows = new BroadcastChannel("posthouse-events");
windows.addEventListener("message", (event) => take(event.data));

function listen() {
  const source = new EventSource("/events");
  source.addEventListener("change", (event) => {
    const news = JSON.parse(event.data);
    windows.postMessage(news);
    notify(news.fresh);
    take(news);
  });
  source.addEventListener("end", () => source.close());
  addEventListener("pagehide", () => source.close());
  return new Promise(() => {}); // the lock is let go with the window
}
navigator.locks.request("posthouse-events", listen);

const ask = document.querySelector(".ask-notify");
if (ask && "Notification" in window && Notification.permission === "default") {
  ask.hidden = false;
  ask.addEventListener("click", async () => {
    await Notification.requestPermission();
    ask.hidden = true;
  });
}
