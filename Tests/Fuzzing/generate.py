"""Writes small PNG pictures for Corpus/png; standard library only.

Every colour type and depth of PNG, interlaced and not, with and without a stated pixel size.
"""

import pathlib
import struct
import zlib

ROOT = pathlib.Path(__file__).parent / "Corpus" / "png"
SIZE = 5


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(bits):
    line = (SIZE * bits + 7) // 8
    return b"".join(bytes([y % 5]) + bytes((37 * y + 11 * x) % 256 for x in range(line)) for y in range(SIZE))


def interlaced_rows(bits):
    out = b""
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)]:
        width, height = -(-(SIZE - x0) // dx), -(-(SIZE - y0) // dy)
        if width > 0 and height > 0:
            out += (b"\0" + bytes((width * bits + 7) // 8)) * height
    return out


def main():
    ROOT.mkdir(parents=True, exist_ok=True)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    for colour, depths in {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 4, 8], 4: [8, 16], 6: [8]}.items():
        for depth in depths:
            interlaced = (colour + depth) % 3 == 0
            bits = depth * channels[colour]
            png = b"\x89PNG\r\n\x1a\n"
            png += chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, depth, colour, 0, 0, int(interlaced)))
            if colour == 3:
                png += chunk(b"PLTE", bytes(range(3 * min(256, 1 << depth))) if depth < 8 else bytes(768))
                png += chunk(b"tRNS", b"\x80")
            if depth == 8:
                png += chunk(b"pHYs", struct.pack(">IIB", 2000, 1000, 1))
            data = interlaced_rows(bits) if interlaced else rows(bits)
            png += chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
            (ROOT / f"colour{colour}-depth{depth}.png").write_bytes(png)


main()
