// Brings a page's explorable figures and quizzes to life without a kernel and without a network. The build stored the
// state and the anywidget module of each in the page; all that is missing is a model, which is the class below.
(() => {
  class Model {
    constructor(state) { this.state = state; this.listeners = new Map(); }
    get(key) { return this.state[key]; }
    set(key, value) {
      this.state[key] = value;
      for (const listener of this.listeners.get(`change:${key}`) ?? []) listener();
    }
    on(event, listener) { this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]); }
    off(event, listener) { this.listeners.set(event, (this.listeners.get(event) ?? []).filter((l) => l !== listener)); }
    save_changes() {} // there is no kernel to tell
  }

  const type = (name) => `script[type="application/vnd.jupyter.widget-${name}+json"]`;
  const load = (source) => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));

  async function show(view, stored) {
    const state = stored[JSON.parse(view.textContent).model_id]?.state;
    if (!state?._esm) return; // a core ipywidget needs a kernel; its cell says so
    const module = await load(state._esm);
    const host = document.createElement("div");
    host.append(Object.assign(document.createElement("style"), { textContent: state._css ?? "" }));
    const still = view.previousElementSibling;
    if (still?.matches(".gradlab-still")) still.replaceWith(host);
    else view.before(host);
    module.default.render({ model: new Model(state), el: host }); // in the page already: it may have to scroll there
  }

  document.addEventListener("DOMContentLoaded", () => {
    const states = [...document.querySelectorAll(type("state"))].map((tag) => JSON.parse(tag.textContent).state);
    const stored = Object.assign({}, ...states);
    for (const view of document.querySelectorAll(type("view"))) show(view, stored);
  });
})();
