extension ViewerScript {
  /// The slices of the three planes.
  static let planes = #"""
    // Axes of the data: 0 grows to the patient's left, 1 to the back, 2 to the head.
    const planeKinds = [
      { name: "Axial", across: 2, column: 0, row: 1, isUpward: false, edges: "RLAP" },
      { name: "Coronal", across: 1, column: 0, row: 2, isUpward: true, edges: "RLSI" },
      { name: "Sagittal", across: 0, column: 1, row: 2, isUpward: true, edges: "APSI" },
    ];

    function create(name, attributes, ...children) {
      const element = document.createElement(name);
      for (const [key, value] of Object.entries(attributes || {})) {
        if (key === "text") { element.textContent = value; } else { element.setAttribute(key, value); }
      }
      element.append(...children);
      return element;
    }

    class Plane {
      constructor(viewer, kind) {
        this.viewer = viewer;
        this.kind = kind;
        const { size, record } = viewer.data;
        this.width = size[kind.column];
        this.height = size[kind.row];
        this.count = size[kind.across];
        this.spacing = [record.spacing[kind.column], record.spacing[kind.row]];
        this.pan = [0, 0];
        const strides = [1, size[0], size[0] * size[1]];
        this.strides = [kind.column, kind.row, kind.across].map((axis) => strides[axis]);
        this.grey = create("canvas", { width: this.width, height: this.height });
        this.colour = create("canvas", { width: this.width, height: this.height });
        this.canvas = create("canvas", {
          tabindex: "0", role: "application", class: "view",
          "aria-label": `${kind.name} slice. Arrow keys move the crosshair, Page Up and Page Down `
            + "change the slice, plus and minus zoom.",
        });
        this.slider = create("input", {
          type: "range", min: "0", max: String(this.count - 1), step: "1",
          "aria-label": `${kind.name} slice`,
        });
        this.label = create("span", { class: "slice-number" });
        this.element = create("div", { class: "plane", role: "group", "aria-label": kind.name },
          create("div", { class: "frame" }, this.canvas,
            ...["l", "r", "t", "b"].map((side, at) => create("span", {
              class: `edge ${side}`, "aria-hidden": "true", text: kind.edges[at],
            }))),
          create("div", { class: "slice" }, create("span", { text: kind.name }), this.slider,
            this.label));
        this.listen();
      }

      get slice() { return Math.round(this.viewer.position[this.kind.across]); }

      offset(column, row, slice) {
        const up = this.kind.isUpward ? this.height - 1 - row : row;
        return column * this.strides[0] + up * this.strides[1] + slice * this.strides[2];
      }

      // Screen pixels of a millimetre and where the slice's corner lies.
      layout() {
        const ratio = window.devicePixelRatio || 1;
        const [width, height] = [this.canvas.clientWidth * ratio, this.canvas.clientHeight * ratio];
        const millimetres = [this.width * this.spacing[0], this.height * this.spacing[1]];
        const fit = Math.min(width / millimetres[0], height / millimetres[1]);
        const scale = fit * this.viewer.zoom;
        return {
          ratio, width, height, scale,
          left: width / 2 - (millimetres[0] / 2 + this.pan[0]) * scale,
          top: height / 2 - (millimetres[1] / 2 + this.pan[1]) * scale,
        };
      }

      draw() {
        const layout = this.layout();
        const { width, height, scale, left, top } = layout;
        if (width < 1 || height < 1) { return; }
        if (this.canvas.width !== Math.round(width)) { this.canvas.width = Math.round(width); }
        if (this.canvas.height !== Math.round(height)) { this.canvas.height = Math.round(height); }
        const context = this.canvas.getContext("2d");
        context.fillStyle = "#000";
        context.fillRect(0, 0, width, height);
        this.fillGrey();
        const extent = [this.width * this.spacing[0] * scale, this.height * this.spacing[1] * scale];
        context.imageSmoothingEnabled = this.viewer.isSmooth;
        context.imageSmoothingQuality = "high";
        context.drawImage(this.grey, left, top, extent[0], extent[1]);
        const matrix = new DOMMatrix([
          scale * this.spacing[0], 0, 0, scale * this.spacing[1], left, top,
        ]);
        if (this.viewer.overlay === "filled") {
          this.fillColour();
          context.imageSmoothingEnabled = false;
          context.globalAlpha = this.viewer.opacity;
          context.drawImage(this.colour, left, top, extent[0], extent[1]);
          context.globalAlpha = 1;
        }
        if (this.viewer.overlay !== "hidden") {
          const { labels } = this.viewer.data;
          for (const [label, path] of this.outlines(labels)) {
            const structure = this.viewer.structures.get(label);
            this.stroke(context, path, matrix, structure.color, 1.5 * layout.ratio, []);
          }
        }
        if (this.viewer.data.reference && this.viewer.showsReference) {
          for (const [, path] of this.outlines(this.viewer.data.reference)) {
            this.stroke(context, path, matrix, "#000", 3 * layout.ratio, []);
            this.stroke(context, path, matrix, "#fff", 1.5 * layout.ratio,
              [4 * layout.ratio, 3 * layout.ratio]);
          }
        }
        this.drawCrosshair(context, layout);
        this.drawScale(context, layout);
        this.slider.value = String(this.slice);
        this.slider.setAttribute("aria-valuetext",
          `${this.slice + 1} of ${this.count}, ${this.viewer.placeAlong(this.kind.across)}`);
        this.label.textContent = `${this.slice + 1} / ${this.count}`;
      }

      stroke(context, path, matrix, color, width, dash) {
        const placed = new Path2D();
        placed.addPath(path, matrix);
        context.strokeStyle = color;
        context.lineWidth = width;
        context.setLineDash(dash);
        context.stroke(placed);
        context.setLineDash([]);
      }

      fillGrey() {
        const context = this.grey.getContext("2d");
        const image = context.createImageData(this.width, this.height);
        const words = new Uint32Array(image.data.buffer);
        const { tones } = this.viewer;
        const { scan } = this.viewer.data;
        let at = 0;
        for (let row = 0; row < this.height; row += 1) {
          let place = this.offset(0, row, this.slice);
          for (let column = 0; column < this.width; column += 1, at += 1) {
            words[at] = tones[scan[place]];
            place += this.strides[0];
          }
        }
        context.putImageData(image, 0, 0);
      }

      fillColour() {
        const context = this.colour.getContext("2d");
        const image = context.createImageData(this.width, this.height);
        const words = new Uint32Array(image.data.buffer);
        const { paint } = this.viewer;
        const { labels } = this.viewer.data;
        let at = 0;
        for (let row = 0; row < this.height; row += 1) {
          let place = this.offset(0, row, this.slice);
          for (let column = 0; column < this.width; column += 1, at += 1) {
            words[at] = paint[labels[place]];
            place += this.strides[0];
          }
        }
        context.putImageData(image, 0, 0);
      }

      // The borders of shown labels along the voxels' edges, in units of voxels.
      outlines(labels) {
        const paths = new Map();
        const { paint } = this.viewer;
        const label = (column, row) => {
          if (column < 0 || row < 0 || column >= this.width || row >= this.height) { return 0; }
          const value = labels[this.offset(column, row, this.slice)];
          return paint[value] ? value : 0;
        };
        const add = (value, x0, y0, x1, y1) => {
          if (!paths.has(value)) { paths.set(value, new Path2D()); }
          const path = paths.get(value);
          path.moveTo(x0, y0);
          path.lineTo(x1, y1);
        };
        for (let row = 0; row < this.height; row += 1) {
          for (let column = 0; column < this.width; column += 1) {
            const value = label(column, row);
            if (!value) { continue; }
            if (label(column - 1, row) !== value) { add(value, column, row, column, row + 1); }
            if (label(column + 1, row) !== value) {
              add(value, column + 1, row, column + 1, row + 1);
            }
            if (label(column, row - 1) !== value) { add(value, column, row, column + 1, row); }
            if (label(column, row + 1) !== value) {
              add(value, column, row + 1, column + 1, row + 1);
            }
          }
        }
        return paths;
      }

      drawCrosshair(context, layout) {
        const { position } = this.viewer;
        const row = this.kind.isUpward
          ? this.height - 1 - position[this.kind.row] : position[this.kind.row];
        const x = layout.left + (position[this.kind.column] + 0.5) * this.spacing[0] * layout.scale;
        const y = layout.top + (row + 0.5) * this.spacing[1] * layout.scale;
        const gap = 8 * layout.ratio;
        for (const [color, width] of [["rgba(0,0,0,.55)", 3], ["#ffd54a", 1]]) {
          context.strokeStyle = color;
          context.lineWidth = width * layout.ratio;
          context.beginPath();
          context.moveTo(0, y); context.lineTo(x - gap, y);
          context.moveTo(x + gap, y); context.lineTo(layout.width, y);
          context.moveTo(x, 0); context.lineTo(x, y - gap);
          context.moveTo(x, y + gap); context.lineTo(x, layout.height);
          context.stroke();
        }
      }

      drawScale(context, layout) {
        const room = layout.width / layout.scale / 3;
        const length = [200, 100, 50, 20, 10, 5, 2, 1, 0.5].find((entry) => entry <= room) || 0.2;
        const [right, bottom] = [layout.width - 10 * layout.ratio, layout.height - 10 * layout.ratio];
        const left = right - length * layout.scale;
        context.fillStyle = "rgba(0,0,0,.6)";
        context.fillRect(left - 1, bottom - 3 * layout.ratio, right - left + 2, 4 * layout.ratio);
        context.fillStyle = "#fff";
        context.fillRect(left, bottom - 2 * layout.ratio, right - left, 2 * layout.ratio);
        context.font = `${11 * layout.ratio}px system-ui, sans-serif`;
        context.textAlign = "center";
        context.shadowColor = "#000";
        context.shadowBlur = 3 * layout.ratio;
        context.fillText(`${length} mm`, (left + right) / 2, bottom - 6 * layout.ratio);
        context.shadowBlur = 0;
      }

      // Moves the crosshair to a point of the screen.
      point(event) {
        const layout = this.layout();
        const box = this.canvas.getBoundingClientRect();
        const x = ((event.clientX - box.left) * layout.ratio - layout.left)
          / (layout.scale * this.spacing[0]) - 0.5;
        const y = ((event.clientY - box.top) * layout.ratio - layout.top)
          / (layout.scale * this.spacing[1]) - 0.5;
        const position = [...this.viewer.position];
        position[this.kind.column] = Math.round(x);
        position[this.kind.row] = Math.round(this.kind.isUpward ? this.height - 1 - y : y);
        this.viewer.moveTo(position);
      }

      step(axis, amount) {
        const position = this.viewer.position.map(Math.round);
        position[axis] += amount;
        this.viewer.moveTo(position);
      }

      listen() {
        const { canvas, viewer, kind } = this;
        this.slider.addEventListener("input", () => {
          const position = [...viewer.position];
          position[kind.across] = Number(this.slider.value);
          viewer.moveTo(position);
        });
        canvas.addEventListener("wheel", (event) => {
          // Only a view in use takes the wheel; else the page scrolls.
          if (document.activeElement !== canvas) { return; }
          event.preventDefault();
          const amount = event.deltaY < 0 ? 1 : -1;
          if (event.ctrlKey) { viewer.setZoom(viewer.zoom * 1.15 ** amount); } else {
            this.step(kind.across, amount);
          }
        }, { passive: false });
        canvas.addEventListener("keydown", (event) => {
          const up = kind.isUpward ? 1 : -1;
          const actions = {
            ArrowLeft: () => this.step(kind.column, -1),
            ArrowRight: () => this.step(kind.column, 1),
            ArrowUp: () => this.step(kind.row, up),
            ArrowDown: () => this.step(kind.row, -up),
            PageUp: () => this.step(kind.across, 1),
            PageDown: () => this.step(kind.across, -1),
            Home: () => this.step(kind.across, -this.count),
            End: () => this.step(kind.across, this.count),
          };
          if (event.ctrlKey || event.metaKey || event.altKey) { return; }
          if (actions[event.key]) { actions[event.key](); } else if (!viewer.key(event.key)) { return; }
          event.preventDefault();
        });
        this.listenToPointer();
      }

      listenToPointer() {
        const { canvas, viewer } = this;
        const fingers = new Map();
        let spread = 0;
        canvas.addEventListener("pointerdown", (event) => {
          canvas.focus({ preventScroll: true });
          canvas.setPointerCapture(event.pointerId);
          fingers.set(event.pointerId, [event.clientX, event.clientY]);
          spread = 0;
          if (fingers.size === 1 && this.tool(event) === "point") { this.point(event); }
          event.preventDefault();
        });
        canvas.addEventListener("pointermove", (event) => {
          const before = fingers.get(event.pointerId);
          if (!before) { return; }
          const moved = [event.clientX - before[0], event.clientY - before[1]];
          fingers.set(event.pointerId, [event.clientX, event.clientY]);
          if (fingers.size === 2) {
            const [one, other] = [...fingers.values()];
            const distance = Math.hypot(one[0] - other[0], one[1] - other[1]);
            if (spread) { viewer.setZoom(viewer.zoom * distance / spread); }
            spread = distance;
            this.shift(moved.map((entry) => entry / 2));
          } else if (this.tool(event) === "window") { viewer.dragWindow(moved[0], moved[1]); } else if (
            this.tool(event) === "pan") { this.shift(moved); } else { this.point(event); }
        });
        const end = (event) => { fingers.delete(event.pointerId); spread = 0; };
        canvas.addEventListener("pointerup", end);
        canvas.addEventListener("pointercancel", end);
      }

      tool(event) {
        if (event.shiftKey) { return "window"; }
        return event.altKey || event.buttons === 4 ? "pan" : this.viewer.tool;
      }

      shift(moved) {
        const { scale, ratio } = this.layout();
        this.pan[0] -= moved[0] * ratio / scale;
        this.pan[1] -= moved[1] * ratio / scale;
        this.viewer.redraw();
      }
    }

    """#
}
