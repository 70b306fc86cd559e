extension ViewerScript {
  /// The surfaces in three dimensions, drawn triangle by triangle into a depth buffer.
  static let surfaces = #"""
    // Directions to look from, degrees: about the patient's long axis from the front, and above.
    const viewpoints = [
      ["Front", 0, 0], ["Left", 90, 0], ["Back", 180, 0], ["Right", -90, 0], ["Above", 180, 90],
      ["Below", 0, -90],
    ];

    class Solid {
      constructor(viewer) {
        this.viewer = viewer;
        this.mesh = viewer.data.mesh;
        [this.turn, this.lift] = [30, 15];
        const { low, step } = viewer.data.record.mesh;
        this.centre = low.map((value, axis) => value + 32767.5 * step[axis]);
        this.radius = Math.hypot(...step.map((value) => 32767.5 * value)) || 1;
        this.projected = new Float32Array(this.mesh.points.length);
        this.shades = new Float32Array(this.mesh.points.length / 3);
        this.canvas = create("canvas", {
          tabindex: "0", role: "application", class: "view",
          "aria-label": "Surfaces in three dimensions. Arrow keys turn them.",
        });
        const buttons = create("div", { class: "slice viewpoints" });
        for (const [name, turn, lift] of viewpoints) {
          const button = create("button", { type: "button", text: name });
          button.addEventListener("click", () => this.look(turn, lift));
          buttons.append(button);
        }
        this.element = create("div", { class: "plane", role: "group", "aria-label": "Surfaces" },
          create("div", { class: "frame" }, this.canvas), buttons);
        this.listen();
      }

      look(turn, lift) {
        this.turn = turn;
        this.lift = Math.max(-90, Math.min(90, lift));
        this.viewer.redraw();
      }

      // Unit vectors to the right, upwards and to the onlooker.
      axes() {
        const [turn, lift] = [this.turn * Math.PI / 180, this.lift * Math.PI / 180];
        const right = [Math.cos(turn), Math.sin(turn), 0];
        const near = [Math.sin(turn) * Math.cos(lift), -Math.cos(turn) * Math.cos(lift),
          Math.sin(lift)];
        const up = [near[1] * right[2] - near[2] * right[1], near[2] * right[0] - near[0] * right[2],
          near[0] * right[1] - near[1] * right[0]];
        return { right, up, near };
      }

      draw() {
        const ratio = Math.min(window.devicePixelRatio || 1, 1.5);
        const width = Math.round(this.canvas.clientWidth * ratio);
        const height = Math.round(this.canvas.clientHeight * ratio);
        if (width < 1 || height < 1) { return; }
        [this.canvas.width, this.canvas.height] = [width, height];
        const context = this.canvas.getContext("2d");
        const image = context.createImageData(width, height);
        const words = new Uint32Array(image.data.buffer).fill(0xff181512);
        this.depths = new Float32Array(width * height).fill(-Infinity);
        this.scale = 0.95 * Math.min(width, height) / (2 * this.radius) * this.viewer.zoom;
        this.project(width, height);
        for (const part of this.mesh.parts) {
          if (!this.viewer.paint[part.label]) { continue; }
          const color = this.viewer.structures.get(part.label).channels;
          for (let at = 3 * part.first; at < 3 * part.last; at += 3) {
            this.fill(words, width, height, at, color);
          }
        }
        context.putImageData(image, 0, 0);
        this.drawCrosshair(context, width, height, ratio);
      }

      project(width, height) {
        const { right, up, near } = this.axes();
        const { points, normals } = this.mesh;
        const light = [0, 1, 2].map((axis) => 0.9 * near[axis] + 0.35 * up[axis] - 0.25 * right[axis]);
        for (let at = 0; at < points.length; at += 3) {
          const x = points[at] - this.centre[0];
          const y = points[at + 1] - this.centre[1];
          const z = points[at + 2] - this.centre[2];
          this.projected[at] = width / 2 + this.scale * (x * right[0] + y * right[1] + z * right[2]);
          this.projected[at + 1] = height / 2 - this.scale * (x * up[0] + y * up[1] + z * up[2]);
          this.projected[at + 2] = x * near[0] + y * near[1] + z * near[2];
          const bright = normals[at] * light[0] + normals[at + 1] * light[1]
            + normals[at + 2] * light[2];
          this.shades[at / 3] = 0.28 + 0.72 * Math.max(0, Math.min(1, bright));
        }
      }

      fill(words, width, height, at, color) {
        const { corners } = this.mesh;
        const [a, b, c] = [3 * corners[at], 3 * corners[at + 1], 3 * corners[at + 2]];
        const p = this.projected;
        const [ax, ay, bx, by, cx, cy] = [p[a], p[a + 1], p[b], p[b + 1], p[c], p[c + 1]];
        const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
        // Outward faces run against the clock, which on a screen counts as negative.
        if (area >= 0) { return; }
        const left = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5));
        const right = Math.min(width - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
        const top = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5));
        const bottom = Math.min(height - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
        const { depths } = this;
        const [sa, sb, sc] = [this.shades[a / 3], this.shades[b / 3], this.shades[c / 3]];
        for (let y = top; y <= bottom; y += 1) {
          for (let x = left; x <= right; x += 1) {
            const px = x + 0.5;
            const py = y + 0.5;
            const u = ((cx - bx) * (py - by) - (cy - by) * (px - bx)) / area;
            const v = ((ax - cx) * (py - cy) - (ay - cy) * (px - cx)) / area;
            const w = 1 - u - v;
            if (u < 0 || v < 0 || w < 0) { continue; }
            const depth = u * p[a + 2] + v * p[b + 2] + w * p[c + 2];
            const place = x + width * y;
            if (depth <= depths[place]) { continue; }
            depths[place] = depth;
            const shade = u * sa + v * sb + w * sc;
            words[place] = 0xff000000 | (color[2] * shade) << 16 | (color[1] * shade) << 8
              | color[0] * shade;
          }
        }
      }

      drawCrosshair(context, width, height, ratio) {
        const { right, up } = this.axes();
        const place = this.viewer.millimetres().map((value, axis) => value - this.centre[axis]);
        const along = (axis) => place[0] * axis[0] + place[1] * axis[1] + place[2] * axis[2];
        const x = width / 2 + this.scale * along(right);
        const y = height / 2 - this.scale * along(up);
        for (const [color, line] of [["rgba(0,0,0,.6)", 3.5], ["#ffd54a", 1.5]]) {
          context.strokeStyle = color;
          context.lineWidth = line * ratio;
          context.beginPath();
          context.arc(x, y, 6 * ratio, 0, 2 * Math.PI);
          context.stroke();
        }
      }

      // Moves the crosshair to the surface under a point of the screen.
      pick(event) {
        const box = this.canvas.getBoundingClientRect();
        const { width, height } = this.canvas;
        const x = Math.floor((event.clientX - box.left) * width / box.width);
        const y = Math.floor((event.clientY - box.top) * height / box.height);
        const depth = this.depths[x + width * y];
        if (!Number.isFinite(depth)) { return; }
        const { right, up, near } = this.axes();
        const across = (x + 0.5 - width / 2) / this.scale;
        const down = (height / 2 - y - 0.5) / this.scale;
        this.viewer.moveToMillimetres([0, 1, 2].map((axis) => this.centre[axis]
          + across * right[axis] + down * up[axis] + (depth - 0.5) * near[axis]));
      }

      listen() {
        const { canvas } = this;
        let start = null;
        canvas.addEventListener("pointerdown", (event) => {
          canvas.focus({ preventScroll: true });
          canvas.setPointerCapture(event.pointerId);
          start = { x: event.clientX, y: event.clientY, moved: 0 };
          event.preventDefault();
        });
        canvas.addEventListener("pointermove", (event) => {
          if (!start) { return; }
          const [across, down] = [event.clientX - start.x, event.clientY - start.y];
          start = { x: event.clientX, y: event.clientY,
            moved: start.moved + Math.abs(across) + Math.abs(down) };
          this.look(this.turn - 0.6 * across, this.lift + 0.6 * down);
        });
        canvas.addEventListener("pointerup", (event) => {
          if (start && start.moved < 4) { this.pick(event); }
          start = null;
        });
        canvas.addEventListener("pointercancel", () => { start = null; });
        canvas.addEventListener("wheel", (event) => {
          if (document.activeElement !== canvas) { return; }
          event.preventDefault();
          this.viewer.setZoom(this.viewer.zoom * 1.15 ** (event.deltaY < 0 ? 1 : -1));
        }, { passive: false });
        canvas.addEventListener("keydown", (event) => {
          const turns = { ArrowLeft: [10, 0], ArrowRight: [-10, 0], ArrowUp: [0, -10],
            ArrowDown: [0, 10] };
          if (event.ctrlKey || event.metaKey || event.altKey) { return; }
          const turn = turns[event.key];
          if (turn) { this.look(this.turn + turn[0], this.lift + turn[1]); } else if (
            !this.viewer.key(event.key)) { return; }
          event.preventDefault();
        });
      }
    }

    """#
}
