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

const source = new EventSource("/events");
source.addEventListener("change", async (event) => {
  const { counts, fresh } = JSON.parse(event.data);
  showCounts(counts);
  notify(fresh);
  try {
    await refresh();
  } catch (error) {
    tell(error);
  }
});
source.addEventListener("end", () => source.close());
addEventListener("pagehide", () => source.close());
