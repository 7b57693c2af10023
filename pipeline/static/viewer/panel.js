// The viewer's controls: plain buttons, boxes and sliders, so that keyboard, finger and screen reader reach them.
export function element(name, facts = {}, ...inside) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(facts)) {
    if (key.startsWith("on")) found.addEventListener(key.slice(2), value);
    else if (key in found && key !== "list") found[key] = value;
    else found.setAttribute(key, value);
  }
  found.append(...inside.filter((part) => part !== null && part !== undefined));
  return found;
}

export const button = (text, title, click) => element("button", { type: "button", title, onclick: click }, text);

export function group(label, ...inside) {
  return element("div", { className: "i3d-group", role: "group", "aria-label": label }, ...inside);
}

export function choice(label, names, chosen, change) {
  const buttons = Object.entries(names).map(([name, text]) => {
    const one = button(text, `${label}: ${text}`, () => { mark(name); change(name); });
    one.dataset.name = name;
    return one;
  });
  const mark = (name) => buttons.forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.name === name)));
  mark(chosen);
  return Object.assign(group(label, ...buttons), { mark });
}

export function toggle(text, title, change) {
  const one = button(text, title, () => { set(one.getAttribute("aria-pressed") !== "true"); change(one.getAttribute("aria-pressed") === "true"); });
  const set = (on) => one.setAttribute("aria-pressed", String(on));
  set(false);
  return Object.assign(one, { set });
}

export function check(text, colour, change, more = "") {
  const input = element("input", { type: "checkbox", onchange: () => change(input.checked) });
  const dot = colour ? element("i", { className: "i3d-dot" }) : null;
  if (dot) dot.style.background = colour;
  const label = element("label", { className: "i3d-check" }, input, dot, element("span", {}, text, more ? element("small", {}, more) : null));
  return Object.assign(label, { input });
}
