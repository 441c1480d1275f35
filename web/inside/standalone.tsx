// The explanation as one HTML file: its data stands in the page.
import { render } from "preact";
import type { Explanation } from "../../src/inspect/index.js";
import "../styles/base.css";
import { Inside } from "./inside.jsx";

const data = document.getElementById("explanation")!.textContent!;
const code =
  navigator.languages.map((tag) => tag.split("-")[0]!).find((tag) => ["en", "de"].includes(tag)) ?? "en";
document.documentElement.lang = code;
document.body.classList.add("standalone");
render(
  <Inside explanation={JSON.parse(data) as Explanation} code={code} />,
  document.getElementById("page")!,
);
