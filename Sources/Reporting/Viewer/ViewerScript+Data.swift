extension ViewerScript {
  /// Reads what `ViewerEncoder` wrote.
  static let data = #"""
    // Packed bytes: base64 of a zlib stream.
    async function unpacked(text) {
      const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
      return new Uint8Array(await new Response(stream).arrayBuffer());
    }

    // Rows of differences to the voxel before; of 16-bit values the low bytes come first.
    function undoDifferences(bytes, bits, size) {
      const count = size[0] * size[1] * size[2];
      const values = bits === 8 ? new Uint8Array(count) : new Uint16Array(count);
      let at = 0;
      for (let row = 0; row < size[1] * size[2]; row += 1) {
        let value = 0;
        for (let x = 0; x < size[0]; x += 1, at += 1) {
          value += bits === 8 ? bytes[at] : bytes[at] | (bytes[at + count] << 8);
          values[at] = value;
          value = values[at];
        }
      }
      return values;
    }

    function joinedBytes(bytes, bits) {
      if (bits === 8) { return bytes; }
      const count = bytes.length / 2;
      const values = new Uint16Array(count);
      for (let at = 0; at < count; at += 1) { values[at] = bytes[at] | (bytes[at + count] << 8); }
      return values;
    }

    // Vertices as 16-bit steps of a box, triangles as differences of indices (zigzag, LEB128).
    function readMesh(bytes, mesh) {
      let at = 0;
      function number() {
        let value = 0;
        for (let shift = 1; ; shift *= 128) {
          const byte = bytes[at];
          at += 1;
          value += (byte & 127) * shift;
          if (byte < 128) { return value; }
        }
      }
      const difference = () => {
        const value = number();
        return value % 2 ? -(value + 1) / 2 : value / 2;
      };
      const vertexCount = mesh.parts.reduce((sum, part) => sum + part.vertices, 0);
      const triangleCount = mesh.parts.reduce((sum, part) => sum + part.triangles, 0);
      const points = new Float32Array(3 * vertexCount);
      const corners = new Uint32Array(3 * triangleCount);
      const parts = [];
      let vertex = 0;
      let triangle = 0;
      for (const part of mesh.parts) {
        const place = [0, 0, 0];
        for (let index = vertex; index < vertex + part.vertices; index += 1) {
          for (let axis = 0; axis < 3; axis += 1) {
            place[axis] += difference();
            points[3 * index + axis] = mesh.low[axis] + place[axis] * mesh.step[axis];
          }
        }
        let corner = 0;
        for (let index = 3 * triangle; index < 3 * (triangle + part.triangles); index += 1) {
          corner += difference();
          corners[index] = vertex + corner;
        }
        parts.push({
          label: part.label, first: triangle, last: triangle + part.triangles,
        });
        vertex += part.vertices;
        triangle += part.triangles;
      }
      return { points, corners, parts, normals: vertexNormals(points, corners) };
    }

    function vertexNormals(points, corners) {
      const normals = new Float32Array(points.length);
      for (let at = 0; at < corners.length; at += 3) {
        const [a, b, c] = [3 * corners[at], 3 * corners[at + 1], 3 * corners[at + 2]];
        const u = [0, 1, 2].map((axis) => points[b + axis] - points[a + axis]);
        const v = [0, 1, 2].map((axis) => points[c + axis] - points[a + axis]);
        for (let axis = 0; axis < 3; axis += 1) {
          const [next, last] = [(axis + 1) % 3, (axis + 2) % 3];
          const normal = u[next] * v[last] - u[last] * v[next];
          normals[a + axis] += normal;
          normals[b + axis] += normal;
          normals[c + axis] += normal;
        }
      }
      for (let at = 0; at < normals.length; at += 3) {
        const length = Math.hypot(normals[at], normals[at + 1], normals[at + 2]) || 1;
        for (let axis = 0; axis < 3; axis += 1) { normals[at + axis] /= length; }
      }
      return normals;
    }

    // The case that an element holds: its description, values, labels, reference and surfaces.
    async function readCase(element) {
      const record = JSON.parse(element.querySelector("script[type='application/json']").textContent);
      const { size } = record;
      const scan = undoDifferences(await unpacked(record.scan.data), record.scan.bits, size);
      const labels = joinedBytes(await unpacked(record.labels.data), record.labels.bits);
      const reference = record.reference
        ? joinedBytes(await unpacked(record.reference.data), record.reference.bits) : null;
      const mesh = record.mesh ? readMesh(await unpacked(record.mesh.data), record.mesh) : null;
      return { record, size, scan, labels, reference, mesh };
    }

    """#
}
