// What the pages do in the browser alone: mark what is wrong in a form, keep a draft of this tab, send files.
"use strict";

// Frames of a form that are open stay so when the form is drawn again.
const tenorOpen = new Set();
document.addEventListener("toggle", (e) => {
  const frame = e.target.dataset && e.target.dataset.frame;
  if (frame) tenorOpen[e.target.open ? "add" : "delete"](frame);
}, true);

function tenorProblems(found) {
  for (const place of document.querySelectorAll("[data-problem]")) {
    const told = found[place.dataset.problem];
    place.hidden = !told;
    place.textContent = told ? told.join(" ") : "";
  }
  for (const input of document.querySelectorAll(".study [data-path]:is(input, select)"))
    input.setAttribute("aria-invalid", String(input.dataset.path in found));
  for (const frame of document.querySelectorAll(".study details.frame")) {
    const wrong = frame.querySelector("[data-problem]:not([hidden])") !== null;
    frame.classList.toggle("wrong", wrong);
    if (wrong || tenorOpen.has(frame.dataset.frame)) frame.open = true;
  }
}

// The navigation of a phone shows the page that is open; what had the focus before a page was drawn again gets it back.
document.addEventListener("DOMContentLoaded", () => {
  let looks = 50;
  const look = setInterval(() => {
    const here = document.querySelector(".bar nav [aria-current]");
    const wanted = sessionStorage.getItem("tenor-focus");
    const found = wanted && document.querySelector(wanted);
    if (found) { found.focus(); sessionStorage.removeItem("tenor-focus"); }
    if (here) { here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 40; }
    if ((here && (found || !wanted)) || --looks === 0) clearInterval(look);
  }, 100);
});

function tenorKeep(key, text) {
  if (text === null) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, text);
}

function tenorFocus(path) {
  const all = [...document.querySelectorAll(".study [data-path]")];
  const near = all.filter((e) => e.dataset.path.startsWith(path));
  const list = all.filter((e) => e.dataset.path === path.replace(/\[\d+\]$/, ""));  // what was removed was its last
  const first = near.find((e) => e.dataset.path !== path) || near[0] || list[0];
  if (first) first.focus();
}

async function tenorUpload(button) {
  const state = document.getElementById("upload-state");
  const folder = document.getElementById("upload-folder").value.trim();
  const files = [...document.getElementById("upload-files").files];
  if (!new RegExp(`^(?:${button.dataset.folder})$`).test(folder)) {
    state.textContent = button.dataset.rule;
    return;
  }
  if (!files.length) {
    state.textContent = button.dataset.none;
    return;
  }
  for (const [at, file] of files.entries()) {
    state.textContent = `${at + 1} / ${files.length}: ${file.name}`;
    const place = `/api/v1/uploads/${encodeURIComponent(folder)}/${encodeURIComponent(file.name)}`;
    const answer = await fetch(place, { method: "PUT", body: file, headers: { "content-type": "application/octet-stream" } })
      .catch((gone) => ({ ok: false, json: async () => ({ error: { message: String(gone) } }) }));
    if (!answer.ok) {
      state.textContent = (await answer.json()).error.message;
      return;
    }
  }
  location.reload();
}
