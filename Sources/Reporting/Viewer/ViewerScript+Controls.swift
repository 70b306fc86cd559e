extension ViewerScript {
  /// The viewer of a case: its state, controls and links to the page's tables.
  static let controls = #"""
    const keysHelp = [
      ["Click or drag in a slice", "moves the crosshair"],
      ["Wheel, after a click; Page Up, Page Down, Home, End", "changes the slice"],
      ["Arrow keys", "move the crosshair, or turn the surfaces"],
      ["Shift and drag", "changes the grey window: across its width, down its level"],
      ["Alt and drag, or two fingers", "moves the picture"],
      ["+ and \u2212, or Ctrl and wheel, or two fingers", "zoom; 0 resets"],
      ["O", "shows the labels filled, as outlines, or not"],
    ];

    class Viewer {
      constructor(element, data) {
        this.element = element;
        this.data = data;
        const { record } = data;
        this.position = record.start;
        [this.zoom, this.opacity, this.overlay] = [1, 0.45, "filled"];
        [this.isSmooth, this.showsReference, this.tool] = [true, true, "point"];
        this.structures = new Map();
        for (const entry of record.structures) {
          const channels = [1, 3, 5].map((at) => parseInt(entry.color.slice(at, at + 2), 16));
          this.structures.set(entry.index, { ...entry, channels, isShown: true, boxes: [] });
        }
        this.views = planeKinds.filter((kind) => record.planes.includes(kind.name))
          .map((kind) => new Plane(this, kind));
        if (data.mesh) { this.views.push(new Solid(this)); }
        this.build();
        this.paintLabels();
        this.setWindow(record.windows[0].low, record.windows[0].high);
        new ResizeObserver(() => this.redraw()).observe(this.element);
        this.say();
      }

      // Places

      millimetres() {
        const { origin, axes } = this.data.record;
        return origin.map((value, row) => value + this.position.reduce(
          (sum, step, axis) => sum + step * axes[axis][row], 0));
      }

      moveToMillimetres(point) {
        const { origin, axes, spacing } = this.data.record;
        const gap = point.map((value, row) => value - origin[row]);
        this.moveTo(axes.map((axis, at) => Math.round(
          axis.reduce((sum, value, row) => sum + value * gap[row], 0) / spacing[at] ** 2)));
      }

      moveTo(position) {
        this.position = position.map(
          (value, axis) => Math.max(0, Math.min(this.data.size[axis] - 1, value)));
        this.redraw();
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.say(), 120);
      }

      placeAlong(axis) {
        const value = this.millimetres()[axis];
        return `${value < 0 ? "RAI"[axis] : "LPS"[axis]} ${Math.abs(value).toFixed(1)} mm`;
      }

      // What lies under the crosshair, in words.
      say() {
        const { record, size, scan, labels } = this.data;
        const [x, y, z] = this.position.map(Math.round);
        const at = x + size[0] * (y + size[1] * z);
        const full = [0, 0, 0];
        [x, y, z].forEach((value, axis) => {
          const { grid, start, step } = record.full[axis];
          full[grid] = Math.floor(start + step * value);
        });
        const value = record.scan.intercept + record.scan.slope * scan[at];
        const digits = Math.max(0, Math.min(4, Math.ceil(-Math.log10(record.scan.slope))));
        const structure = this.structures.get(labels[at]);
        const unit = record.scan.unit ? `\u202f${record.scan.unit}` : "";
        this.output.textContent = [
          [0, 1, 2].map((axis) => this.placeAlong(axis)).join(", "),
          `voxel ${full.join(", ")}`,
          `value ${value.toFixed(digits).replace("-", "\u2212")}${unit}`,
          structure ? structure.name : "no structure",
        ].join(" \u00b7 ");
        for (const [index, entry] of this.structures) {
          for (const row of entry.rows) { row.classList.toggle("here", index === labels[at]); }
        }
      }

      // Looks

      setWindow(low, high) {
        this.window = [low, Math.max(high, low + this.data.record.scan.slope)];
        const { slope, intercept, bits } = this.data.record.scan;
        this.tones = new Uint32Array(1 << bits);
        const scale = 255 / (this.window[1] - this.window[0]);
        for (let stored = 0; stored < this.tones.length; stored += 1) {
          const value = (intercept + slope * stored - this.window[0]) * scale;
          const tone = Math.max(0, Math.min(255, Math.round(value)));
          this.tones[stored] = 0xff000000 | tone << 16 | tone << 8 | tone;
        }
        const [level, width] = [(low + this.window[1]) / 2, this.window[1] - low];
        const digits = width < 10 ? 3 : width < 100 ? 1 : 0;
        this.levelInput.value = level.toFixed(digits);
        this.widthInput.value = width.toFixed(digits);
        const found = this.data.record.windows.findIndex(
          (entry) => entry.low === low && entry.high === high);
        this.windowSelect.value = String(found);
        this.redraw();
      }

      dragWindow(across, down) {
        const range = this.data.record.windows.at(-1);
        const step = (range.high - range.low) / 400;
        const width = Math.max(step / 10, this.window[1] - this.window[0] + across * step);
        const level = (this.window[0] + this.window[1]) / 2 + down * step;
        this.setWindow(level - width / 2, level + width / 2);
      }

      setZoom(zoom) {
        this.zoom = Math.max(0.5, Math.min(16, zoom));
        this.redraw();
      }

      reset() {
        for (const view of this.views) { if (view.pan) { view.pan = [0, 0]; } }
        this.setZoom(1);
      }

      paintLabels() {
        const count = this.data.record.labels.bits === 8 ? 256 : 65536;
        this.paint = new Uint32Array(count);
        for (const [index, entry] of this.structures) {
          const [red, green, blue] = entry.channels;
          if (entry.isShown) { this.paint[index] = 0xff000000 | blue << 16 | green << 8 | red; }
        }
      }

      show(index, isShown) {
        const entry = this.structures.get(index);
        entry.isShown = isShown;
        for (const box of entry.boxes) { box.checked = isShown; }
        this.paintLabels();
        this.redraw();
      }

      key(key) {
        const styles = ["filled", "outline", "hidden"];
        const actions = {
          "+": () => this.setZoom(this.zoom * 1.25),
          "=": () => this.setZoom(this.zoom * 1.25),
          "-": () => this.setZoom(this.zoom / 1.25),
          0: () => this.reset(),
          o: () => this.setOverlay(styles[(styles.indexOf(this.overlay) + 1) % 3]),
        };
        const action = actions[key.toLowerCase()];
        if (action) { action(); }
        return Boolean(action);
      }

      setOverlay(style) {
        this.overlay = style;
        this.overlaySelect.value = style;
        this.redraw();
      }

      redraw() {
        if (this.frame) { return; }
        this.frame = requestAnimationFrame(() => {
          this.frame = 0;
          for (const view of this.views) { view.draw(); }
        });
      }

      // Controls

      build() {
        this.output = create("output", { class: "readout", "aria-live": "polite" });
        const views = create("div", { class: `views count-${this.views.length}` },
          ...this.views.map((view) => view.element));
        const help = create("details", {}, create("summary", { text: "Keys, mouse and fingers" }),
          create("dl", {}, ...keysHelp.map(([key, what]) => create("div", {},
            create("dt", { text: key }), create("dd", { text: what })))));
        this.element.append(
          create("div", { class: "tools", role: "group", "aria-label": "Viewer controls" },
            ...this.tools()),
          this.output,
          create("div", { class: "stage" }, views, this.table()),
          create("p", { class: "note", text: this.data.record.note }), help);
        this.linkTables();
      }

      select(name, options, change) {
        const select = create("select", {}, ...options.map(
          ([value, text]) => create("option", { value, text })));
        select.addEventListener("change", () => change(select.value));
        return [select, create("label", {}, create("span", { text: name }), select)];
      }

      number(name) {
        const input = create("input", { type: "number", step: "any", class: "short" });
        input.addEventListener("change", () => {
          const [level, width] = [Number(this.levelInput.value), Number(this.widthInput.value)];
          if (Number.isFinite(level) && width > 0) {
            this.setWindow(level - width / 2, level + width / 2);
          }
        });
        return [input, create("label", {}, create("span", { text: name }), input)];
      }

      check(name, isOn, change) {
        const box = create("input", { type: "checkbox" });
        box.checked = isOn;
        box.addEventListener("change", () => change(box.checked));
        return [box, create("label", { class: "check" }, box, create("span", { text: name }))];
      }

      button(name, label, action) {
        const button = create("button", { type: "button", text: name, "aria-label": label });
        button.addEventListener("click", action);
        return button;
      }

      tools() {
        const { record, reference } = this.data;
        const parts = [];
        const add = ([control, label]) => { parts.push(label); return control; };
        add(this.select("Drag", [
          ["point", "moves the crosshair"], ["window", "changes the window"],
          ["pan", "moves the picture"],
        ], (value) => { this.tool = value; }));
        this.windowSelect = add(this.select("Window", [
          ...record.windows.map((entry, at) => [String(at), entry.name]), ["-1", "own"],
        ], (value) => {
          const entry = record.windows[Number(value)];
          if (entry) { this.setWindow(entry.low, entry.high); }
        }));
        this.levelInput = add(this.number("Level"));
        this.widthInput = add(this.number("Width"));
        this.overlaySelect = add(this.select("Labels", [
          ["filled", "filled"], ["outline", "outlines"], ["hidden", "hidden"],
        ], (value) => this.setOverlay(value)));
        const opacity = create("input", { type: "range", min: "0", max: "100", value: "45" });
        opacity.addEventListener("input", () => {
          this.opacity = Number(opacity.value) / 100;
          this.redraw();
        });
        parts.push(create("label", {}, create("span", { text: "Opacity" }), opacity));
        if (reference) {
          add(this.check("Reference", true, (isOn) => {
            this.showsReference = isOn;
            this.redraw();
          }));
        }
        add(this.check("Smooth", true, (isOn) => { this.isSmooth = isOn; this.redraw(); }));
        parts.push(create("div", { class: "buttons", role: "group", "aria-label": "Zoom" },
          this.button("\u2212", "Zoom out", () => this.setZoom(this.zoom / 1.25)),
          this.button("+", "Zoom in", () => this.setZoom(this.zoom * 1.25)),
          this.button("Reset", "Reset zoom and position", () => this.reset())));
        return parts;
      }

      box(index) {
        const entry = this.structures.get(index);
        const [box, label] = this.check(entry.name, true, (isOn) => this.show(index, isOn));
        entry.boxes.push(box);
        return [box, label];
      }

      goTo(index, row) {
        const { centre } = this.structures.get(index);
        this.moveTo(centre);
        if (!this.element.contains(row)) { this.element.scrollIntoView({ block: "nearest" }); }
      }

      table() {
        const body = create("tbody");
        for (const [index, entry] of this.structures) {
          const [, label] = this.box(index);
          label.prepend(create("span", { class: "swatch" }));
          label.firstChild.style.background = entry.color;
          const row = create("tr", {}, create("th", { scope: "row" }, label),
            create("td", { class: "num", text: entry.volume }),
            create("td", {}, entry.centre ? this.button("Go to", `Go to ${entry.name}`,
              () => this.goTo(index, row)) : ""));
          entry.rows = [row];
          body.append(row);
        }
        const setAll = (isOn) => {
          for (const index of this.structures.keys()) { this.show(index, isOn); }
        };
        return create("div", { class: "structures" },
          create("div", { class: "buttons" },
            this.button("All", "Show all structures", () => setAll(true)),
            this.button("None", "Hide all structures", () => setAll(false))),
          create("div", { class: "rows", tabindex: "0", role: "region", "aria-label": "Structures" },
            create("table", {},
              create("caption", { text: "Structures" }),
              create("thead", {}, create("tr", {},
                create("th", { scope: "col", text: "Shown" }),
                create("th", { scope: "col", class: "num", text: "Volume" }),
                create("th", { scope: "col" },
                  create("span", { class: "visually-hidden", text: "Place" })))),
              body)));
      }

      // Rows of the page's tables that are about this case's structures get a box and a way here.
      linkTables() {
        for (const row of document.querySelectorAll("tr[data-structure]")) {
          if (row.dataset.case !== this.element.id) { continue; }
          const label = Number(row.dataset.structure);
          const found = [...this.structures].find(([, entry]) => entry.label === label);
          if (!found) { continue; }
          const [index, entry] = found;
          const box = create("input", {
            type: "checkbox", "aria-label": `Show ${entry.name} in the viewer`, class: "link-box",
          });
          box.checked = true;
          box.addEventListener("change", () => this.show(index, box.checked));
          entry.boxes.push(box);
          entry.rows.push(row);
          row.firstElementChild.prepend(box);
          if (entry.centre) {
            row.firstElementChild.append(" ", this.button("show", `Show ${entry.name} in the viewer`,
              () => this.goTo(index, row)));
            row.firstElementChild.lastChild.className = "link-button";
          }
        }
      }
    }

    async function start(element) {
      const state = element.querySelector(".state");
      try {
        const viewer = new Viewer(element, await readCase(element));
        element.viewer = viewer;
        element.classList.add("ready");
        state.remove();
        viewer.redraw();
      } catch (error) {
        state.textContent = `The viewer cannot run in this browser (${error.message}); the pictures `
          + "on this page show the same.";
      }
    }

    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) { continue; }
        watcher.unobserve(entry.target);
        start(entry.target);
      }
    }, { rootMargin: "600px" });
    for (const element of document.querySelectorAll(".viewer")) {
      element.hidden = false;
      watcher.observe(element);
    }

    """#
}
