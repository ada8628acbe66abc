// What every page of the mail program runs: each part of it is a module of its own.
import "./frames.js";
