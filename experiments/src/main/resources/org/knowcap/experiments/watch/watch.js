"use strict";

// Asks the server each second what has changed, and redraws that. The server reads the study's files only when asked.

const STATES = ["running", "failed", "damaged", "interrupted", "done", "pending"];
const MOST_CURVES = 40;
const MOST_ROWS = 100;
const COLOURS = 8;
const SVG = "http://www.w3.org/2000/svg";
const $ = id => document.getElementById(id);

let version = 0;
let chartsVersion = 0;
let runs = []; // rows by their index, as the server said them last
let lastAnswer = null;
let allRows = false;
let pointed = null; // index of the run whose curve the pointer is at
const curves = new Map(); // index of a run -> its curve
const shownStates = new Set(); // none: all
const selected = new Set(); // indices of runs that are always drawn
const tableRows = new Map(); // index of a run -> its <tr>
let drawn = []; // what the chart shows: {run, points, colour, dashed}

async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) {
    throw new Error(await answer.text());
  }
  return answer.json();
}

async function poll() {
  try {
    const state = await ask("state?since=" + version);
    lastAnswer = new Date();
    if (state.anew) {
      runs = [];
      curves.clear();
      selected.clear();
      tableRows.clear();
      $("runs").replaceChildren();
    }
    state.runs.forEach(run => runs[run.index] = run);
    const changed = state.anew || state.runs.length > 0;
    version = state.version;
    showStudy(state);
    if (changed) {
      showRuns();
    }
    await showCurves(changed);
    showCharts(state);
  } catch (failure) {
    $("answer").textContent = lastAnswer === null
      ? "No answer: is 'knowcap watch' still running?"
      : "No answer since " + lastAnswer.toLocaleTimeString() + "; these figures are of then. Is 'knowcap watch' still running?";
    $("answer").classList.add("stale");
  }
  setTimeout(poll, document.hidden ? 5000 : 1000);
}

// ---- Figures ----

function showStudy(state) {
  $("study").textContent = state.study;
  $("path").textContent = state.path;
  $("answer").classList.remove("stale");
  $("answer").textContent = "As of " + lastAnswer.toLocaleTimeString();
  $("problem").hidden = !state.problem;
  $("problem").textContent = state.problem || "";
  const done = state.counts.done || 0;
  document.title = done + "/" + state.total + " " + state.study;
  $("part").textContent = percent(state.part_done);
  $("left").textContent = state.seconds_left === undefined ? "–" : time(state.seconds_left);
  $("speed").textContent = state.tokens_per_second > 0 ? brief(state.tokens_per_second) : "–";
  $("done").textContent = count(done) + " of " + count(state.total);
  const present = STATES.filter(name => state.counts[name]);
  const said = present.map(name => count(state.counts[name]) + " " + name).join(", ");
  if ($("bar").ariaLabel !== "Runs by state: " + said) {
    $("bar").ariaLabel = "Runs by state: " + said;
    $("bar").replaceChildren(...["done", "running", "interrupted", "failed", "damaged", "pending"].filter(name => state.counts[name]).map(name => {
      const part = element("span", name);
      part.style.flexGrow = state.counts[name];
      part.title = state.counts[name] + " " + name;
      return part;
    }));
    [...shownStates].filter(name => !present.includes(name)).forEach(name => shownStates.delete(name));
    showStates(present, state.counts);
  }
}

function showStates(present, counts) {
  $("states").replaceChildren(...present.map(name => {
    const button = element("button");
    button.type = "button";
    button.ariaPressed = String(shownStates.has(name));
    button.append(element("span", "dot " + name), count(counts[name]) + " " + name);
    button.addEventListener("click", () => {
      if (!shownStates.delete(name)) {
        shownStates.add(name);
      }
      button.ariaPressed = String(shownStates.has(name));
      refresh();
    });
    const item = element("li");
    item.append(button);
    return item;
  }));
}

// ---- Runs ----

function matching() {
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(word => word);
  return runs.filter(run => (shownStates.size === 0 || shownStates.has(run.state))
    && words.every(word => run.name.toLowerCase().includes(word)));
}

function part(run) {
  return run.state === "done" ? 1 : run.steps ? run.step / run.steps : 0;
}

function showRuns() {
  const found = matching().sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || a.index - b.index);
  const shown = allRows ? found : found.slice(0, MOST_ROWS);
  const rows = shown.map(tableRow);
  const present = $("runs").children;
  if (rows.length !== present.length || rows.some((row, i) => row !== present[i])) {
    $("runs").replaceChildren(...rows);
  }
  $("all").hidden = found.length <= MOST_ROWS;
  $("all").textContent = allRows ? "Show the first " + MOST_ROWS : "Show all " + count(found.length);
}

function tableRow(run) {
  let row = tableRows.get(run.index);
  if (!row) {
    row = element("tr");
    const name = element("button");
    name.type = "button";
    name.title = "Draw its curve, whatever else is drawn";
    name.textContent = run.name;
    name.addEventListener("click", () => {
      if (!selected.delete(run.index)) {
        selected.add(run.index);
      }
      row.classList.toggle("selected", selected.has(run.index));
      refresh();
    });
    const first = element("td");
    first.append(name);
    row.append(first, element("td", "state"), element("td", "number part"), element("td", "number"), element("td", "number more"),
      element("td", "number more"), element("td", "number more"), element("td", "number"), element("td", "more"));
    tableRows.set(run.index, row);
  }
  if (row.version !== run.version) {
    row.version = run.version;
    const [first, state, done, loss, speed, seconds, left, ratio, detail] = row.children;
    state.replaceChildren(element("span", "dot " + run.state), run.state);
    done.textContent = run.state === "pending" ? "" : run.state === "done" || run.steps ? percent(part(run)) : "step " + count(run.step);
    done.style.setProperty("--part", 100 * part(run) + "%");
    loss.textContent = digits(run.loss, 4);
    speed.textContent = run.tokens_per_second === undefined ? "" : brief(run.tokens_per_second);
    seconds.textContent = time(run.seconds);
    left.textContent = time(run.seconds_left);
    ratio.textContent = digits(run.capacity_ratio, 3);
    detail.textContent = run.detail;
    // On a narrow screen that column has no place: what went wrong stands under the name.
    first.classList.toggle("detailed", run.state !== "done" && run.detail !== "");
    first.dataset.detail = run.detail;
  }
  return row;
}

// ---- Curves ----

/** The runs to draw: the selected, those that train, and of all others as many as fit, evenly spread over the study. */
function toDraw() {
  const found = matching().filter(run => run.step > 0);
  const first = runs.filter(run => selected.has(run.index) && run.step > 0)
    .concat(found.filter(run => run.state === "running" && !selected.has(run.index))).slice(0, MOST_CURVES);
  const others = found.filter(run => !first.includes(run));
  const room = MOST_CURVES - first.length;
  const every = Math.max(1, others.length / room);
  const chosen = new Set();
  for (let i = 0; i < others.length && chosen.size < room; i += every) {
    chosen.add(others[Math.floor(i)]);
  }
  return {
    shown: first.concat([...chosen]).sort((a, b) => a.index - b.index),
    all: found.length + first.filter(run => !found.includes(run)).length
  };
}

async function showCurves(changed) {
  const { shown, all } = toDraw();
  const missing = shown.filter(run => !curves.has(run.index) || curves.get(run.index).version < run.version);
  if (missing.length > 0) {
    (await ask("curves?runs=" + missing.map(run => run.index).join(","))).forEach(curve => curves.set(curve.run, curve));
  }
  if (changed || missing.length > 0) {
    drawCurves(shown.filter(run => curves.has(run.index)), all);
  }
}

function drawCurves(shown, all) {
  const models = [...new Set(shown.map(run => run.model))];
  const each = shown.length <= COLOURS;
  const axis = $("axis").value;
  drawn = shown.map((run, i) => {
    const number = each ? i : models.indexOf(run.model);
    const curve = curves.get(run.index);
    const steps = run.steps || curve.steps[curve.steps.length - 1];
    const x = axis === "step" ? curve.steps : axis === "seconds" ? curve.seconds : curve.steps.map(step => step / steps);
    return { run, x, y: curve.losses.map(Number), steps: curve.steps, style: "c" + number % COLOURS + (number >= COLOURS ? " dashed" : "") };
  });
  $("drawn").textContent = all > shown.length
    ? shown.length + " of " + count(all) + " curves: those that train, and others spread over the study. The filter, the states and the names below choose others."
    : all === 0 ? "No run has reported yet." : "";
  const legend = new Map();
  drawn.forEach(line => legend.set(each ? line.run.name : line.run.model, line.style));
  $("legend").replaceChildren(...[...legend].slice(0, 2 * COLOURS).map(([name, style]) => {
    const item = element("li");
    const key = svg("svg", { viewBox: "0 0 26 8" });
    key.append(svg("line", { x1: 0, x2: 26, y1: 4, y2: 4, class: style }));
    item.append(key, name);
    return item;
  }));
  paint();
}

function paint() {
  const chart = $("chart");
  const width = chart.clientWidth;
  const height = chart.clientHeight;
  const frame = { left: 52, right: width - 24, top: 10, bottom: height - 40 };
  const log = $("log").checked;
  const losses = drawn.flatMap(line => line.y).filter(y => Number.isFinite(y) && (!log || y > 0));
  chart.replaceChildren();
  chart.setAttribute("viewBox", "0 0 " + width + " " + height);
  if (losses.length === 0 || width < 100) {
    return;
  }
  let low = least(losses);
  let high = most(losses);
  if (low === high) {
    low = low === 0 ? -0.1 : low * 0.9;
    high = high === 0 ? 0.1 : high * 1.1;
  }
  if (!log) {
    low = low > 0 && low < 0.35 * high ? 0 : low - 0.05 * (high - low);
  }
  const axis = $("axis").value;
  const right = axis === "share" ? 1 : most(drawn.flatMap(line => line.x)) || 1;
  const scaleY = log ? Math.log : value => value;
  const toX = x => frame.left + x / right * (frame.right - frame.left);
  const toY = y => frame.bottom - (scaleY(y) - scaleY(low)) / (scaleY(high) - scaleY(low)) * (frame.bottom - frame.top);
  ticks(low, high, log, Math.max(2, Math.round((frame.bottom - frame.top) / 50))).forEach(tick => {
    chart.append(svg("line", { x1: frame.left, x2: frame.right, y1: toY(tick), y2: toY(tick), class: "grid" }),
      svg("text", { x: frame.left - 8, y: toY(tick) + 4, "text-anchor": "end" }, digits(tick, 3)));
  });
  ticks(0, right, false, Math.max(2, Math.round((frame.right - frame.left) / 110))).forEach(tick => {
    chart.append(svg("text", { x: toX(tick), y: frame.bottom + 18, "text-anchor": "middle" },
      axis === "share" ? Math.round(100 * tick) + " %" : axis === "step" ? brief(tick) : time(tick) || "0"));
  });
  chart.append(svg("text", { x: frame.right, y: height - 4, "text-anchor": "end" },
    { share: "part of the run", step: "step", seconds: "training time" }[axis]),
  svg("text", { x: 0, y: height - 4 }, "loss, nats a token"));
  drawn.forEach(line => {
    let path = "";
    let pen = "M";
    line.px = line.x.map(toX);
    line.py = line.y.map(y => Number.isFinite(y) && (!log || y > 0) ? toY(y) : NaN);
    line.py.forEach((y, i) => {
      if (Number.isNaN(y)) {
        pen = "M";
      } else {
        path += pen + line.px[i].toFixed(1) + " " + y.toFixed(1);
        pen = "L";
      }
    });
    line.path = svg("path", { d: path, class: line.style });
    chart.append(line.path);
    if (line.py.filter(y => !Number.isNaN(y)).length === 1) {
      const i = line.py.findIndex(y => !Number.isNaN(y));
      chart.append(svg("circle", { cx: line.px[i], cy: line.py[i], r: 3, class: line.style }));
    }
  });
}

/** Says which curve the pointer is nearest to. */
function point(event) {
  const box = $("chart").getBoundingClientRect();
  const x = event.clientX - box.left;
  const y = event.clientY - box.top;
  let best = null;
  drawn.forEach(line => line.px.forEach((px, i) => {
    const distance = Math.hypot(px - x, line.py[i] - y);
    if (distance < 40 && (best === null || distance < best.distance)) {
      best = { line, i, distance };
    }
  }));
  document.querySelectorAll("#chart .spot").forEach(spot => spot.remove());
  drawn.forEach(line => line.path.classList.toggle("pointed", best !== null && best.line === line));
  $("pointed").textContent = "";
  if (best !== null) {
    const { line, i } = best;
    $("pointed").textContent = line.run.name + ": loss " + digits(line.y[i], 4) + " at step " + count(line.steps[i]);
    $("chart").append(line.path, svg("circle", { cx: line.px[i], cy: line.py[i], r: 5, class: "spot" }));
  }
}

function ticks(low, high, log, number) {
  const found = [];
  if (log && high / low > 3) {
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      (high / low > 300 ? [1] : [1, 2, 5]).map(digit => digit * 10 ** power).filter(tick => tick >= low && tick <= high).forEach(tick => found.push(tick));
    }
    return found;
  }
  const rough = (high - low) / number;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * unit).find(size => size >= rough);
  for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-9); i++) {
    found.push(i * step);
  }
  return found;
}

// ---- The law ----

function showCharts(state) {
  if (state.charts_version === chartsVersion) {
    return;
  }
  chartsVersion = state.charts_version;
  $("law").hidden = state.charts.length === 0 && state.sentences.length === 0;
  $("sentences").replaceChildren(...state.sentences.map(sentence => {
    const paragraph = element("p");
    paragraph.textContent = sentence;
    return paragraph;
  }));
  const present = new Map([...$("charts").children].map(figure => [figure.dataset.file, figure]));
  $("charts").replaceChildren(...state.charts.map(chart => {
    let figure = present.get(chart.file);
    if (!figure) {
      figure = element("figure");
      figure.dataset.file = chart.file;
      const scroll = element("div", "scroll");
      scroll.append(element("img"));
      figure.append(scroll, element("figcaption"));
    }
    const image = figure.querySelector("img");
    image.alt = "Chart " + chart.file;
    image.src = "charts/" + chart.file + ".svg?since=" + chartsVersion;
    figure.querySelector("figcaption").textContent = plain(chart.caption);
    return figure;
  }));
}

/** A caption without its markup. */
function plain(html) {
  return new DOMParser().parseFromString(html, "text/html").body.textContent;
}

// ---- Small things ----

function element(name, className = "") {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

function svg(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.textContent = text;
  return made;
}

function least(numbers) {
  return numbers.reduce((a, b) => Math.min(a, b), Infinity);
}

function most(numbers) {
  return numbers.reduce((a, b) => Math.max(a, b), -Infinity);
}

function count(number) {
  return number.toLocaleString("en-US");
}

function percent(part) {
  return (100 * part).toFixed(1) + " %";
}

function digits(number, significant) {
  return number === undefined || !Number.isFinite(Number(number)) ? "" : Number(number) === 0 ? "0"
    : String(Number(Number(number).toPrecision(significant)));
}

function brief(number) {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, number * 1.0005)) / 3)));
  return digits(number / 1000 ** power, 3) + ["", "k", "M", "G", "T"][power];
}

function time(seconds) {
  if (seconds === undefined) {
    return "";
  }
  const whole = Math.round(seconds);
  return whole < 60 ? digits(seconds, 2) + " s"
    : whole < 3600 ? Math.floor(whole / 60) + " min " + whole % 60 + " s"
      : whole < 172800 ? Math.floor(whole / 3600) + " h " + Math.floor(whole % 3600 / 60) + " min"
        : Math.floor(whole / 86400) + " d " + Math.floor(whole % 86400 / 3600) + " h";
}

/** After the user has chosen something else. */
function refresh() {
  showRuns();
  showCurves(true).catch(() => {}); // The next poll says that there is no answer.
}

$("filter").addEventListener("input", refresh);
$("axis").addEventListener("change", refresh);
$("log").addEventListener("change", refresh);
$("all").addEventListener("click", () => {
  allRows = !allRows;
  showRuns();
});
$("chart").addEventListener("pointermove", point);
$("chart").addEventListener("pointerdown", point);
new ResizeObserver(paint).observe($("chart"));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    refresh();
  }
});
poll();
