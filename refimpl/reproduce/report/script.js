// Filters and enlarged figures. Without it everything is shown and read as well.
const all = (query) => [...document.querySelectorAll(query)];
const chosen = () => all(".filter [name=verdict]:checked").map((box) => box.value);
const whose = () => document.querySelector(".filter [name=origin]").value;
const words = () => document.querySelector(".filter [name=search]").value.toLowerCase();

function show() {
  const verdicts = chosen(), origin = whose(), text = words();
  let count = 0;
  for (const one of all("[data-verdict]")) {
    one.hidden =
      !verdicts.includes(one.dataset.verdict) ||
      (origin && one.dataset.origin !== origin) ||
      !one.textContent.toLowerCase().includes(text);
    if (!one.hidden && one.tagName === "LI") count += 1;
  }
  for (const one of all(".experiment")) {
    one.hidden = !one.querySelector(".claims li:not([hidden])");
  }
  for (const one of all("[data-of]")) {
    one.hidden = document.getElementById(one.dataset.of).hidden;
  }
  document.querySelector(".filter output").textContent = `${count} claims`;
}

document.querySelector(".filter").hidden = false;
document.querySelector(".filter").addEventListener("input", show);
for (const image of all("figure img")) {
  image.addEventListener("click", () => image.closest("figure").classList.toggle("large"));
}
show();
