"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const text = button.parentElement.querySelector("code").textContent;
      try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
      catch { const range = document.createRange(); range.selectNodeContents(button.parentElement.querySelector("code"));
        getSelection().removeAllRanges(); getSelection().addRange(range); button.textContent = "Selected"; }
    });
  }
  const rate = document.getElementById("rate");
  if (!rate || !data.t.length) return;
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const first = data.t[0], last = Math.max(data.t[data.t.length - 1] + 1, ...data.bands.map(b => b.end));
  const fallbackStart = Math.min(first, ...data.bands.map(b => b.start));
  let charts = [], busy = false;
  const view = { min: fallbackStart, max: last };

  const bands = { hooks: { drawClear: [u => {
    const { ctx, bbox } = u, x = t => u.valToPos(t, "x", true);
    ctx.save(); ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
    for (const band of data.bands) {
      if (band.kind === "load" && !/10x|ramp|step|hold/.test(band.label)) continue;
      ctx.fillStyle = css("--band-" + band.kind) || css("--band-load");
      ctx.fillRect(x(band.start), bbox.top, x(band.end) - x(band.start), bbox.height);
      if (band.witnessed !== null) {
        ctx.strokeStyle = css("--band-line"); ctx.lineWidth = devicePixelRatio; ctx.setLineDash([5, 4]);
        ctx.beginPath(); ctx.moveTo(x(band.witnessed), bbox.top); ctx.lineTo(x(band.witnessed), bbox.top + bbox.height); ctx.stroke(); ctx.setLineDash([]);
      }
    }
    ctx.restore();
  }] } };

  function strip() {
    const box = document.getElementById("strip"), u = charts[0];
    if (!u) return;
    box.textContent = "";
    const left = u.bbox.left / devicePixelRatio, width = u.bbox.width / devicePixelRatio;
    const pos = t => left + (t - view.min) / (view.max - view.min) * width;
    const rows = [];
    for (const band of data.bands.slice().sort((a, b) => (a.kind === "fault") - (b.kind === "fault") || a.start - b.start)) {
      const from = Math.max(left, pos(band.start)), to = Math.min(left + width, pos(band.end));
      if (to <= left || from >= left + width) continue;
      const lane = band.kind === "fault" ? "f" : band.kind === "alert" ? "a" : "p";
      let row = rows.findIndex(r => r.lane === lane && r.end <= from + 0.5);
      if (row < 0) { rows.push({ lane, end: 0 }); row = rows.length - 1; }
      rows[row].end = Math.max(to, from + 4);
      const node = document.createElement("div");
      node.className = "b " + band.kind; node.textContent = band.label; node.title = band.label;
      node.style.cssText = `left:${from}px;width:${Math.max(3, to - from)}px;top:${row * 21}px`;
      if (to - from < 26) node.textContent = "";
      box.append(node);
      if (band.witnessed !== null && pos(band.witnessed) >= left && pos(band.witnessed) <= left + width) {
        const mark = document.createElement("div");
        mark.className = "w"; mark.title = "witnessed"; mark.style.cssText = `left:${pos(band.witnessed)}px;top:${row * 21}px`;
        box.append(mark);
      }
    }
    box.style.height = rows.length * 21 + "px";
  }

  function options(element, series, height, format) {
    const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 }, font: "12px system-ui" };
    return {
      width: element.clientWidth, height, plugins: [bands], legend: { live: true },
      cursor: { sync: { key: "windtunnel" }, drag: { x: true, y: false } },
      scales: { x: { time: false, min: view.min, max: view.max }, y: { range: (u, min, max) => [0, Math.max(max * 1.08, 1e-3)] } },
      hooks: { setScale: [(u, key) => {
        if (key !== "x" || busy) return;
        busy = true; view.min = u.scales.x.min; view.max = u.scales.x.max;
        for (const other of charts) if (other !== u) other.setScale("x", { min: view.min, max: view.max });
        busy = false; strip();
      }] },
      series: [{ label: "second", value: (u, v) => v === null ? "" : v + " s" }, ...series],
      axes: [{ ...axis, values: (u, ticks) => ticks.map(t => t + " s") }, { ...axis, size: 62, values: (u, ticks) => ticks.map(format) }],
    };
  }

  function draw() {
    for (const chart of charts) chart.destroy();
    charts = [];
    const latency = document.getElementById("latency"), ms = v => v === null || v === undefined ? "" : v >= 1 ? v.toFixed(v >= 10 ? 0 : 1) + " s" : Math.round(v * 1000) + " ms";
    const line = (label, color, extra) => ({ label, stroke: css(color), width: 2, spanGaps: false, points: { size: 4 }, ...extra });
    charts.push(new uPlot(options(rate, [line("arrivals/s", "--c-arr", { fill: css("--band-load") }), line("errors/s", "--c-err")], 190, v => String(v)), [data.t, data.arrivals, data.errors], rate));
    charts.push(new uPlot(options(latency, [line("p50", "--c-p50", { value: (u, v) => ms(v) }), line("p99", "--c-p99", { value: (u, v) => ms(v) })], 210, ms), [data.t, data.p50, data.p99], latency));
    const gauges = document.getElementById("gauges"), colors = ["--c-arr", "--c-err", "--c-p50", "--c-p99"];
    if (gauges) charts.push(new uPlot(options(gauges, data.gauges.map((gauge, n) => line(gauge.label, colors[n % 4], {
      dash: n < 4 ? undefined : [6, 4], paths: uPlot.paths.stepped({ align: 1 }), points: { show: false },
    })), 190, v => String(v)), [data.t, ...data.gauges.map(gauge => gauge.values)], gauges));
    strip();
  }
  draw();
  let width = rate.clientWidth;
  new ResizeObserver(() => { if (rate.clientWidth !== width) { width = rate.clientWidth; draw(); } }).observe(rate);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
