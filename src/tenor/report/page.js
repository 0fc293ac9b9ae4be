"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse), (max-width: 600px)").matches;
  const { config, shared, figures } = JSON.parse(document.getElementById("figures").textContent);

  // Text and lines in the greys of the page; the figures themselves carry greys that do on either.
  const paint = (layout, night) => {
    const [ink, line, card] = night
      ? ["#b9c0c8", "rgba(255,255,255,0.13)", "#262b31"]
      : ["#4a525b", "rgba(0,0,0,0.11)", "#ffffff"];
    layout.font.color = ink;
    layout.hoverlabel = { ...layout.hoverlabel, bgcolor: card, font: { color: night ? "#e6e8ea" : "#1b1f24" } };
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(name)) {
        Object.assign(layout[name], { gridcolor: line, linecolor: line });
      }
    }
    return layout;
  };

  const plots = [];
  for (const [name, figure] of Object.entries(figures)) {
    const place = document.getElementById("plot-" + name);
    for (const trace of figure.data) {
      if (trace.x && trace.x.same !== undefined) trace.x = shared[trace.x.same];
    }
    if (touch) Object.assign(figure.layout, { dragmode: false });
    Plotly.newPlot(place, figure.data, paint(figure.layout, dark.matches), { ...config, displayModeBar: touch ? false : "hover" });
    plots.push(place);
  }
  const repaint = (night) => plots.forEach((place) => {
    paint(place.layout, night);
    Plotly.redraw(place);
  });
  dark.addEventListener("change", (event) => repaint(event.matches));

  // Paper: everything open, dark on white, as wide as the sheet.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((each) => { each.open = true; });
    if (dark.matches) repaint(false);
    plots.forEach((place) => Plotly.relayout(place, { width: 960 }));
  });
  addEventListener("afterprint", () => {
    closed.forEach((each) => { each.open = false; });
    if (dark.matches) repaint(true);
    plots.forEach((place) => Plotly.relayout(place, { width: null, autosize: true }));
  });
})();
