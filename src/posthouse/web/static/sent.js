// A letter has just been sent from its own page: said here, with a way to take it back while there is one.
import { post, tell } from "./post.js";
import { toast } from "./toast.js";

function show() {
  const stored = sessionStorage.getItem("sent");
  if (!stored || document.getElementById("write")) return;
  sessionStorage.removeItem("sent");
  const { words, outgoing, until } = JSON.parse(stored);
  const left = until - Date.now();
  if (left < 500 || !outgoing) return toast(`${words}.`);
  const again = async () => {
    try {
      const { draft } = await post("/take-back", { outgoing });
      location.assign(`/write/${draft}`);
    } catch (error) {
      tell(error);
    }
  };
  toast(`${words}.`, { again });
  setTimeout(() => document.querySelector("#toasts .toast button")?.remove(), left);
}

addEventListener("pageshow", show);
