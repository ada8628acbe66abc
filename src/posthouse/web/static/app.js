// What every page of the mail program runs: each part of it is a module of its own.
import "./act.js";
import "./drag.js";
import "./events.js";
import "./frames.js";
import "./keys.js";
import "./list.js";
import "./open.js";
import "./search.js";
import "./sent.js";
import "./view.js";
