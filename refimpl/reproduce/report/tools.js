"use strict";
const all = (what) => [...document.querySelectorAll(what)];
const one = (id) => document.getElementById(id);

// Filters: a claim is shown if it meets all that is asked.
const claims = all(".claims > li");
const asked = all("#filters select, #filters input");
function filter() {
  const [verdict, source, figure, words] = asked.map((field) => field.value);
  // R_1 is typed, and shown as a formula, whose text is R1.
  const plain = (text) => text.toLowerCase().replaceAll("_", "");
  const wanted = plain(words).split(/\s+/);
  for (const claim of claims) {
    const { verdict: own, sources } = claim.dataset;
    const text = plain(claim.textContent + claim.closest("section").id);
    claim.hidden = !((!verdict || own === verdict)
      && [source, figure].every((name) => !name || sources.split("|").includes(name))
      && wanted.every((word) => text.includes(word)));
  }
  const filtered = asked.some((field) => field.value);
  for (const section of all(".experiment")) {
    section.hidden = filtered && !section.querySelector(".claims > li:not([hidden])");
  }
  const shown = claims.filter((claim) => !claim.hidden).length;
  one("shown").textContent = `${shown} of ${claims.length} claims`;
}
for (const field of asked) field.addEventListener("input", filter);
one("filters").hidden = false;
filter();
// A browser that comes back to the page fills the fields again.
addEventListener("pageshow", filter);
// A link to what is filtered away shows it.
function show(hash) {
  const target = one(decodeURIComponent(hash.slice(1)));
  if (!target || !target.closest("[hidden]")) return;
  for (const field of asked) field.value = "";
  filter();
  target.scrollIntoView();
}
addEventListener("hashchange", () => show(location.hash));
for (const link of all("a[href^='#']")) link.addEventListener("click", () => show(link.hash));

// Figures: click to enlarge, Escape to go back.
const dialog = one("enlarged");
for (const picture of all("figure img")) {
  const button = document.createElement("button");
  button.className = "zoom";
  button.title = "enlarge";
  picture.replaceWith(button);
  button.append(picture);
  button.addEventListener("click", () => {
    dialog.querySelector("div").replaceChildren(picture.cloneNode());
    dialog.showModal();
  });
}
dialog.addEventListener("click", () => dialog.close());

// Panels of a figure one above the other on a phone: as many views of it.
const narrow = matchMedia("screen and (max-width: 44rem)");
function stack() {
  if (!narrow.matches) return;
  for (const picture of all(".zoom > img:only-child")) {
    const panels = document.createElement("span");
    panels.className = "panels";
    for (const [left, top, width, height] of JSON.parse(picture.dataset.panels) ?? []) {
      const [panel, view] = [document.createElement("span"), picture.cloneNode()];
      panel.style.aspectRatio = width / height;
      view.style.width = `${100 / width}%`;
      view.style.left = `${-100 * left / width}%`;
      view.style.top = `${-100 * top / height}%`;
      view.alt = "";
      panel.append(view);
      panels.append(panel);
    }
    if (!panels.hasChildNodes()) continue;
    panels.setAttribute("role", "img");
    panels.setAttribute("aria-label", picture.alt);
    picture.after(panels);
  }
}
narrow.addEventListener("change", stack);
stack();

// Contents are folded on a phone.
if (innerWidth < 1100) all("nav details").forEach((part) => { part.open = false; });

// The film: features and output at a step and a keep probability.
const film = one("film") && JSON.parse(one("film").textContent);
if (film) {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const [angles, sizes] = [film.angles, film.sizes].map(bytes);
  const outputs = new Uint16Array(bytes(film.outputs).buffer);
  const [step, keep] = [one("film-step"), one("film-keep")];
  const canvas = one("film-canvas");
  const pen = canvas.getContext("2d");
  const T = film.steps.length, m = film.neurons, G = film.points;
  step.max = T - 1;
  keep.max = film.keeps.length - 1;
  step.value = T - 1;
  const box = (left, up, title, below) => {
    pen.fillStyle = "#1c2228";
    pen.fillText(title, left, up + 22);
    pen.fillText(below, left, up + 372);
    pen.strokeStyle = "#9aa5b0";
    pen.strokeRect(left, up + 40, 400, 305);
  };
  const draw = () => {
    const k = film.keeps.length - 1 - keep.value;  // more is kept to the right
    const t = +step.value, start = (k * T + t) * m;
    // Side by side, on a phone one above the other; as sharp as the screen.
    const [width, height, left, up] = narrow.matches ? [440, 770, 20, 385] : [880, 385, 460, 0];
    const sharp = Math.max(1, devicePixelRatio * canvas.clientWidth / width);
    [canvas.width, canvas.height] = [width * sharp, height * sharp];
    pen.scale(sharp, sharp);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    pen.font = "16px system-ui, sans-serif";
    box(20, 0, "features: amplitude against orientation", "−π to π");
    box(left, up, "output, and the points it is trained on", "x from −12 to 12, f(x) from −3 to 3");
    pen.fillStyle = "rgba(168, 63, 0, .5)";
    for (let j = start; j < start + m; j += 1) {
      if (sizes[j] === 0) continue;
      pen.beginPath();
      pen.arc(20 + angles[j] / 255 * 400, 345 - sizes[j] / 255 * 300, 3.5, 0, 7);
      pen.fill();
    }
    const place = (x, y) => [left + (x + 12) / 24 * 400, up + 345 - (y + 3) / 6 * 305];
    pen.strokeStyle = "#0b5c94";
    pen.lineWidth = 2;
    pen.beginPath();
    for (let g = 0; g < G; g += 1) {
      const y = outputs[(k * T + t) * G + g] / 65535 * 6 - 3;
      pen.lineTo(...place(-12 + 24 * g / (G - 1), y));
    }
    pen.stroke();
    pen.fillStyle = "#a83f00";
    film.data.forEach((point) => {
      pen.beginPath();
      pen.arc(...place(...point), 4, 0, 7);
      pen.fill();
    });
    const at = film.steps[t].toLocaleString("en"), count = film.counts[k][t];
    const told = `step ${at}, p = ${film.keeps[k]}: ${count} orientations carry 90% of the amplitude`;
    one("film-told").textContent = told;
    step.setAttribute("aria-valuetext", `step ${at}`);
    keep.setAttribute("aria-valuetext", `p = ${film.keeps[k]}`);
    canvas.setAttribute("aria-label", told);
  };
  step.addEventListener("input", draw);
  keep.addEventListener("input", draw);
  keep.value = film.keeps.length - 1 - film.keeps.indexOf(0.9);
  narrow.addEventListener("change", draw);
  one("film-figure").hidden = false;  // first, as it has no width before
  draw();
}
