// The browser's part of an explorable figure: sliders that choose among pictures drawn beforehand.
// It runs as an anywidget module, live and on a static page alike. No import, no network.

const calm = matchMedia("(prefers-reduced-motion: reduce)");

function element(tag, properties = {}, attributes = {}) {
  const node = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** The positions that a link such as `#figure?gain=1.1` asks for, or null if it is not about this figure. */
function positions(link, name, params, index) {
  const [target, query] = link.split("?");
  if (!name || target !== `#${encodeURI(name)}` || query === undefined) return null;
  const wanted = new URLSearchParams(query);
  return params.map((param, k) => {
    if (!wanted.has(param.name)) return index[k];
    const value = wanted.get(param.name);
    if (param.text.includes(value)) return param.text.indexOf(value);
    const distance = (text) => Math.abs(text - value); // NaN where one of them is a word
    const found = param.text.reduce((best, text, i) => (distance(text) < distance(param.text[best]) ? i : best), 0);
    return Number.isNaN(distance(param.text[found])) ? index[k] : found;
  });
}

function render({ model, el }) {
  const params = model.get("params");
  const frames = model.get("frames");
  const id = `gradlab-${Math.random().toString(36).slice(2)}`;

  const stage = element("div", { id }, { role: "img" });
  const announcement = element("div", { className: "gradlab-announcement" }, { role: "status" });
  const controls = element("div", { className: "gradlab-controls" });
  const figure = element("figure", { className: "gradlab-figure gradlab-explore" });
  figure.append(controls, stage, announcement);
  if (model.get("caption")) figure.append(element("figcaption", { textContent: model.get("caption") }));

  const move = (k, position) => {
    const index = [...model.get("index")];
    index[k] = position;
    model.set("index", index);
    model.save_changes();
  };

  const sliders = params.map((param, k) => {
    const input = element(
      "input",
      { type: "range", min: 0, max: param.text.length - 1, step: 1 },
      { "aria-controls": id, "data-lm-suppress-shortcuts": "true" }, // or JupyterLab takes the arrow keys
    );
    // as wide as its longest text, or the slider would shrink under the reader's finger
    const width = Math.max(...param.text.map((text) => text.length));
    const output = element("output", {}, { "aria-hidden": "true", style: `--longest: ${width}ch` });
    const label = element("label");
    label.append(param.label, input, output);
    controls.append(label);
    input.addEventListener("input", () => { stop(); move(k, Number(input.value)); });
    return { input, output, param };
  });

  // Play runs the first slider once to its end. Readers who asked for less motion take one step at a time.
  let timer = 0;
  const button = element("button", { type: "button" });
  const last = params[0].text.length - 1;
  const relabel = () => { button.textContent = timer ? "Pause" : calm.matches ? "Step" : "Play"; };
  const stop = () => { clearInterval(timer); timer = 0; relabel(); };
  const step = () => {
    const position = model.get("index")[0];
    move(0, position === last ? 0 : position + 1);
    if (timer && model.get("index")[0] === last) stop();
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    step();
    if (calm.matches) return;
    timer = setInterval(step, Math.max(80, 5000 / params[0].text.length));
    relabel();
  });
  controls.append(button);

  const update = () => {
    const index = model.get("index");
    const frame = frames[index.reduce((flat, i, k) => flat * params[k].text.length + i, 0)];
    stage.innerHTML = frame.svg;
    stage.setAttribute("aria-label", frame.alt);
    sliders.forEach(({ input, output, param }, k) => {
      input.value = index[k];
      output.value = param.text[index[k]];
      input.setAttribute("aria-valuetext", `${param.text[index[k]]}. ${frame.alt}`);
    });
  };

  const obey = (link) => {
    const index = positions(link, model.get("name"), params, model.get("index"));
    if (index === null) return false;
    stop();
    model.set("index", index);
    model.save_changes();
    const words = stage.getAttribute("aria-label");
    announcement.textContent = announcement.textContent === words ? `${words}\u00a0` : words; // said again if asked again
    figure.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
    return true;
  };
  const follow = (event) => {
    const link = event.target.closest?.("a[href*='#']");
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || link?.pathname !== location.pathname;
    if (link && !elsewhere && obey(link.hash)) { event.preventDefault(); event.stopPropagation(); }
  };
  const arrive = () => obey(location.hash);

  document.addEventListener("click", follow, true);
  addEventListener("hashchange", arrive);
  calm.addEventListener("change", relabel);
  model.on("change:index", update);
  relabel();
  update();
  el.append(figure);
  arrive();

  return () => {
    stop();
    model.off("change:index", update);
    calm.removeEventListener("change", relabel);
    document.removeEventListener("click", follow, true);
    removeEventListener("hashchange", arrive);
  };
}

export default { render };
