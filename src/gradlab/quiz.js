// The browser's part of a quiz: choose, check, and read why. It runs as an anywidget module, live and on a static page
// alike. No import, no network.

function element(tag, properties = {}, attributes = {}) {
  const node = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

const ownKeys = { "data-lm-suppress-shortcuts": "true" }; // or JupyterLab takes the arrows and Enter

/** Append a text to a node; what stands between backticks is code. */
function write(node, text) {
  text.split("`").forEach((part, i) => node.append(i % 2 ? element("code", { textContent: part }) : part));
  return node;
}

function pose({ text, options, right }) {
  const name = `gradlab-${Math.random().toString(36).slice(2)}`;
  const form = element("form");
  const set = element("fieldset");
  const verdict = element("p", { className: "gradlab-verdict" }, { role: "status" });
  set.append(write(element("legend"), text));
  const labels = options.map(([answer], k) => {
    const input = element("input", { type: "radio", name, value: k, required: true }, ownKeys);
    const label = element("label");
    label.append(input, write(element("span"), answer));
    set.append(label);
    return label;
  });
  set.append(element("button", { type: "submit", textContent: "Check" }, ownKeys), verdict);
  form.append(set);

  const judge = (k) => {
    labels.forEach((label) => label.removeAttribute("data-verdict"));
    verdict.replaceChildren();
    if (k === null) return;
    const word = k === right ? "Right." : "Not so.";
    labels[k].dataset.verdict = k === right ? "right" : "wrong";
    write(verdict, ` ${options[k][1]}`).prepend(element("strong", { textContent: word }));
  };
  form.addEventListener("change", () => judge(null)); // what was said is not about the new choice
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    judge(labels.findIndex((label) => label.firstChild.checked));
  });
  return form;
}

function render({ model, el }) {
  const quiz = element("div", { className: "gradlab-quiz" });
  quiz.append(...model.get("questions").map(pose));
  el.append(quiz);
}

export default { render };
